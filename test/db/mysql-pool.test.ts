/** Requests that wait for a connection are bounded in number, and the pool counts what it does. */
import { randomUUIDv7 } from 'node:crypto';
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { engines } from '../support/engines.ts';

const WAITING = 100;

for (const { name, makeDatabase } of engines)
  test(`The pool has a bound for what waits, on ${name}`, async (t) => {
    const DATABASE_URL = await makeDatabase(t);
    const environment = { DATABASE_URL, POOL_SIZE: '1', WORKERS: '1' };
    const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }), {
      create: true,
    });
    t.teardown(() => engine.close());
    if (name === 'SQLite') return t.equal(engine.poolUse(), undefined, 'there is no pool');

    const lock = `'${randomUUIDv7()}'`;
    const holder = await mysql.createConnection(DATABASE_URL);
    t.teardown(() => holder.destroy());
    await holder.query(`SELECT GET_LOCK(${lock}, 0)`);
    const working = engine.query(`SELECT GET_LOCK(${lock}, 60)`);
    const waiting = Array.from({ length: WAITING }, () => engine.query('SELECT 1 AS one'));
    t.strictSame(engine.poolUse(), { inUse: 1, idle: 0, waiting: WAITING });
    await t.rejects(engine.query('SELECT 1'), { message: /too many requests wait for a connection/ });
    await holder.query(`SELECT RELEASE_LOCK(${lock})`);
    await working;
    for (const rows of await Promise.all(waiting)) t.match(rows, [{ one: 1 }]);
    return t.strictSame(engine.poolUse(), { inUse: 0, idle: 1, waiting: 0 });
  });
