/** The clients of load/ find nothing in a service that is well, and whatever a service does wrong. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { makeDatabaseWith } from './api.ts';
import { query } from './database-content.ts';
import { onEachEngine } from './engines.ts';
import { Load } from './load/index.ts';
import { makeFolder } from './processes.ts';
import { until } from './running.ts';
import { quickHashing, startService } from './service.ts';
import { listen } from './sockets.ts';

const REQUESTS = 200;

onEachEngine('Clients that check each answer find lost, doubled and undone writes', async (t, engine) => {
  const databaseUrl = await engine.makeDatabase(t);
  // The threads that hash give way to all else, so sign-ins could wait for very long on a machine with much to do.
  const hashing = { ...quickHashing, verify: async () => true };
  const { app } = await startService(t, engine, { databaseUrl, hashing });
  const load = await Load.start({ urls: [`http://127.0.0.1:${await listen(app)}`], databaseUrl });
  await load.answered(REQUESTS);
  t.same(await load.stop(), []);
  t.same(load.kinds, {});

  const run = async (...statements: string[]) => {
    for (const statement of statements) await query(databaseUrl, statement);
  };
  const [user, group, entry] = await Promise.all(
    [
      "users WHERE username <> ''",
      "`groups` WHERE name LIKE 'load-%'",
      "audit WHERE event = 'group-created'",
    ].map(async (from) => (await query(databaseUrl, `SELECT id FROM ${from} LIMIT 1`))[0]?.id),
  );
  await run(
    `DELETE FROM sessions WHERE user_id = '${user}'`,
    `UPDATE users SET name = 'older' WHERE id = '${user}'`,
    `DELETE FROM \`groups\` WHERE id = '${group}'`,
    `DELETE FROM audit WHERE id = '${entry}'`,
    "UPDATE audit SET request_id = (SELECT id FROM (SELECT max(request_id) AS id FROM audit WHERE event = 'user-changed') AS one) WHERE event = 'signed-in'",
  );
  const faults = await load.stop();
  for (const pattern of [
    /the session .* is not there/,
    /is named "older"/,
    /^the group .* was acknowledged and is not there/,
    /^the group .* is not in the audit trail/,
    /^a sign-in .* is not in the audit trail/,
    /was written \d+ times/,
  ])
    t.ok(
      faults.some((fault) => pattern.test(fault)),
      String(pattern),
      { faults },
    );
});

test('Clients that check each answer tell each kind of failure', async (t) => {
  const databaseUrl = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  await makeDatabaseWith(databaseUrl, 'ann');
  const answers: ((response: ServerResponse) => unknown)[] = [
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(503).end(),
    (response) => response.writeHead(503, { 'retry-after': '1' }).end(),
    (response) => response.writeHead(200).end('{"user": {"id": "of another"}}'),
    (response) => response.writeHead(200).end('<html>'),
    (response) => response.socket?.destroy(),
  ];
  let count = 0;
  const server = createServer((_request, response) => answers[count++ % answers.length]?.(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const load = await Load.start({ urls: [url], databaseUrl, bound: 0 });
  t.teardown(() => load.stop());
  const kinds = (expected: string[]) =>
    until(`the kinds ${expected}`, () => expected.every((kind) => kind in load.kinds) || undefined);
  await kinds(['500', '503', '503 with Retry-After', 'wrong answer', 'ECONNRESET', 'slow']);
  server.close();
  server.closeAllConnections();
  await kinds(['ECONNREFUSED']);
  t.match(await load.stop(), [/^a sign-in was acknowledged/], 'what was answered by 200 is not there');
});
