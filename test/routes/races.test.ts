/** Concurrent requests to two instances of the service on one database, whose writes collide. */
import { onEachEngine } from '../support/engines.ts';
import { MEETINGS } from '../support/meeting-races.ts';

for (const [name, race] of Object.entries(MEETINGS)) onEachEngine(name, race);
