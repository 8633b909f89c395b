/** Thousands of connections that send nothing are closed in time, and others are served meanwhile. */
import { onEachEngine } from '../support/engines.ts';
import { holdIdleConnections } from '../support/hostile-clients.ts';

onEachEngine('Two thousand idle connections are closed in time, and others are served', (t, engine) =>
  holdIdleConnections(t, engine, 2_000),
);
