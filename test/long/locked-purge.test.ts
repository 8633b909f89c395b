/** A purge that waits for the lock of another transaction does not look like a database that can't be read or written. */
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { startMaintenance } from '../../cluster/maintenance.ts';
import { loadSettings } from '../../config/load.ts';
import { engines } from '../support/engines.ts';
import { openServing, sessionOf, userNamed } from '../support/files.ts';
import { makeLog } from '../support/log.ts';

/** In milliseconds: a purge waits for five seconds, and begins after one. */
const DURATION = 8_000;

for (const { name, makeDatabase } of engines.filter(({ name }) => name === 'MySQL'))
  test(`A purge that waits for a lock rings no alarm, on ${name}`, async (t) => {
    const DATABASE_URL = await makeDatabase(t);
    const { db } = await openServing(t, DATABASE_URL);
    const ann = userNamed('ann');
    const session = { ...sessionOf(ann.id), expiresAt: 1, endsAt: 1 };
    await db.atomically([db.users.add(ann, 1), db.sessions.add(session)]);
    const holder = await mysql.createConnection(DATABASE_URL);
    t.teardown(() => holder.destroy());
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM sessions FOR UPDATE');

    const { log, lines } = makeLog();
    const settings = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL } });
    const maintenance = await startMaintenance(settings, log, () => {});
    await delay(DURATION);
    await maintenance.end();
    t.strictSame(
      lines.map((line) => JSON.parse(line).msg),
      ['expired rows could not be purged'],
    );
  });
