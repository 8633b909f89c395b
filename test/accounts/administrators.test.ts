/** A database that has lost the row by which the last administrator is kept. Nothing that could take rights is written without it. */
import { changeUser } from '../../accounts/users.ts';
import { operator } from '../../manage/operator.ts';
import { onEachEngine } from '../support/engines.ts';
import { openServing } from '../support/files.ts';
import { makeLog } from '../support/log.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';
import { readTables } from '../support/tables.ts';

const MESSAGE = 'The table guards lacks its row "administrators". Restore it, or the whole database.';

onEachEngine('A change of rights without its row in the table guards', async (t, testEngine) => {
  const databaseUrl = await testEngine.makeDatabase(t);
  const { log, lines } = makeLog();
  const { app } = await startService(t, testEngine, { databaseUrl, log, hashing: quickHashing });
  const chief = await makeUser(app, 'chief', { admin: true });
  const eve = await makeUser(app, 'eve', { admin: true });
  const group = (await app.db.groups.findByName('admins'))?.id;
  const client = await signedIn(app, 'chief');

  const { db, engine } = await openServing(t, databaseUrl);
  const known = { names: new Map([[eve, 'eve']]), actorId: chief, began: Date.now() };
  await db.atomically([engine.write(engine.build.delete(engine.tables.guards), 1)({})]);
  const before = await readTables(engine, known);

  for (const [method, url, body] of [
    ['PATCH', `/api/users/${eve}`, { active: false }],
    ['DELETE', `/api/users/${eve}`],
    ['PATCH', `/api/groups/${group}`, { permissions: [] }],
    ['DELETE', `/api/groups/${group}`],
    ['DELETE', `/api/groups/${group}/members/${eve}`],
  ] as const) {
    await t.test(
      `${method} ${url.replace(/[-0-9a-f]{36}/g, ':id')} answers 500 and writes nothing`,
      async (t) => {
        lines.length = 0;
        const response = await client.request(method, url, body);
        t.equal(response.statusCode, 500, response.payload);
        t.notMatch(response.payload, /guards/, 'the cause stays in the log');
        t.equal(lines.length, 1);
        t.match(JSON.parse(lines[0] ?? ''), {
          err: { message: MESSAGE },
          requestId: response.json().requestId,
        });
        t.strictSame(await readTables(engine, known), before);
      },
    );
  }

  await t.test('The operator reads what to do, and nothing is written', async (t) => {
    await t.rejects(changeUser(db, operator, eve, { active: false }), { message: MESSAGE });
    t.strictSame(await readTables(engine, known), before);
  });
});
