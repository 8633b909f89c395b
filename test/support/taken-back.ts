/** A schema that is taken back under a running service, to one revision or another. */
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { downgrade, upgrade } from '../../db/migrate/migrator.ts';
import { BASE } from '../../db/migrate/targets.ts';
import type { TestEngine } from './engines.ts';
import { makeLog } from './log.ts';
import { parse } from './request.ts';
import { STEPS } from './requests.ts';
import { makeUser, quickHashing, signedIn, startService } from './service.ts';

/** The level of pino's warnings. */
const WARNING = 40;

/**
 * Sends every request while the schema is that of the revision. Those that need what is gone must get 503 with one log line each, and
 * the service must recover when the schema is back. The database must be empty, and is so afterwards.
 */
export async function serveAt(t: Test, engine: TestEngine, url: string, revision: string): Promise<void> {
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { databaseUrl: url, hashing: quickHashing, log });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const cookie = client.cookie;
  const settings = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } });
  const beside = await openEngine(settings);
  t.teardown(() => beside.close());
  await downgrade(beside, revision, { acceptLoss: true });

  const statuses = new Set<number>();
  for (const { send, body, headers } of STEPS) {
    client.cookie = cookie;
    const { method, path } = parse(send);
    const before = lines.length;
    const response = await client.request(
      method,
      path.replace(/\{\w+\}/g, 'nothing'),
      body === undefined ? undefined : JSON.stringify(body),
      {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    );
    const { statusCode } = response;
    statuses.add(statusCode);
    const logged = lines.slice(before).filter((line) => JSON.parse(line).level >= WARNING);
    if (statusCode >= 500) {
      t.equal(statusCode, 503, `${send}: ${JSON.stringify(logged)}`);
      if (method !== 'HEAD') t.equal(response.json().type, 'urn:rollcall:problem:wrong-schema', send);
      t.equal(logged.length, 1, send);
    }
  }
  t.ok(statuses.has(503));
  t.equal((await app.inject('/readyz')).statusCode, 503);
  t.equal((await app.inject('/livez')).statusCode, 200);

  await upgrade(beside);
  t.equal((await app.inject('/readyz')).statusCode, 200);
  const again = await client.request('POST', '/api/sign/in', { username: 'nobody', password: 'wrong' });
  t.equal(again.statusCode, 401, 'the service recovers');
  await downgrade(beside, BASE, { acceptLoss: true });
}
