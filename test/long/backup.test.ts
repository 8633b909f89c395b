/** Backups with real processes: the commands of the page, a restore that is killed, and a million users. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { fillTables, query, rowsOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { FAST_FLAGS, onOwnServer } from '../support/own-server.ts';
import { blocksOf } from '../support/page.ts';
import { copyProject, makeFolder, manage, manageProcess, PROJECT, run } from '../support/processes.ts';
import { Running, until } from '../support/running.ts';

const blocks = blocksOf(readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8'))
  .filter(({ mark }) => mark === 'test/long/backup.test.ts')
  .map(({ text }) => text);

test('The commands of the page work on SQLite', async (t) => {
  const folder = copyProject(t);
  t.match(await manageProcess(['db', 'upgrade'], { folder }), { code: 0 });
  t.equal(blocks.length, 2);
  t.match(await run(folder, 'bash', ['-ec', blocks[0] ?? '']), { code: 0, stdout: /restored/ });
});

onEachEngine(
  'A restore that is killed changes nothing, and the next one succeeds',
  async (t, { makeDatabase }) => {
    const environment = { DATABASE_URL: await makeDatabase(t) };
    const url = environment.DATABASE_URL;
    const folder = makeFolder(t);
    const file = join(folder, 'copy');
    t.match(await manage(['db', 'upgrade'], { environment }), { code: 0 });
    await fillTables(url);
    await addUsers(url, 50_000);
    t.match(await manage(['db', 'backup', file], { environment }), { code: 0 });
    await query(url, "UPDATE users SET active = 0 WHERE username LIKE 'user-%'");
    const before = await rowsOf(url);
    const restore = ['db', 'restore', file, '--tokens', 'keep'];
    const running = new Running(PROJECT, process.execPath, ['manage.ts', ...restore], environment, 'ignore');
    t.teardown(() => running.kill());
    await until('the copy', () => readdirSync(folder).find((name) => /\.replaced-\w+$/.test(name)));
    running.child.kill('SIGKILL');
    t.equal((await running.exit).signal, 'SIGKILL');
    t.strictSame(await rowsOf(url), before);

    const again = await manage(restore, { environment });
    t.match(again, { code: 0, stdout: /user user-1: was disabled/ });
    t.same(await query(url, "SELECT id FROM users WHERE username LIKE 'user-%' AND active = 0"), []);
  },
);

onEachEngine(
  'A backup and a restore of a million users keep little in memory',
  async (t, { makeDatabase }) => {
    const environment = { DATABASE_URL: await makeDatabase(t) };
    const file = join(makeFolder(t), 'copy');
    t.match(await manage(['db', 'upgrade'], { environment }), { code: 0 });
    await addUsers(environment.DATABASE_URL, 1_000_000);
    const tellMemory = `process.on('exit', () => console.error(process.resourceUsage().maxRSS))`;
    for (const args of [
      ['db', 'backup', file],
      ['db', 'restore', file, '--tokens', 'end', '--no-keep-replaced'],
    ]) {
      const words = ['--import', `data:text/javascript,${tellMemory}`, 'manage.ts', ...args];
      const begin = performance.now();
      const done = await run(PROJECT, process.execPath, words, { environment, deadline: 900_000 });
      t.match(done, { code: 0, stderr: /^\d+\n$/ });
      const megabytes = Math.round(Number(done.stderr) / 1024);
      t.comment(`${args[1]}: ${Math.round((performance.now() - begin) / 1000)} s, ${megabytes} MB`);
      t.ok(megabytes < 400, `${megabytes} MB`);
    }
    const [row] = await query(environment.DATABASE_URL, 'SELECT count(*) AS users FROM users');
    t.match(row, { users: 1_000_000 });
  },
);

/** Adds users, a thousand with each statement. */
async function addUsers(url: string, count: number): Promise<void> {
  const columns = 'id, created_at, updated_at, username, username_key, username_search_key';
  for (let number = 0; number < count; number += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, index) => {
      const name = `user-${number + index}`;
      return `('01900000-0000-7000-8000-${String(number + index).padStart(12, '0')}', 1, 1, '${name}', '${name}', '${name}')`;
    });
    await query(url, `INSERT INTO users (${columns}) VALUES ${rows.join(', ')}`);
  }
}

onOwnServer('The commands of the page work on MySQL', FAST_FLAGS, async (t, server) => {
  await server.query('CREATE DATABASE rollcall');
  const folder = copyProject(t);
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(server.folder, '.my.cnf'),
    `[client]\nuser=root\nsocket=${join(server.folder, 'socket')}\n`,
  );
  const environment = {
    DATABASE_URL: `${server.url}/rollcall`,
    // Where the tools look for their settings.
    HOME: server.folder,
  };
  t.match(await manageProcess(['db', 'upgrade'], { folder, environment }), { code: 0 });
  await fillTables(environment.DATABASE_URL);
  for (const commands of blocks) {
    const { code, stderr } = await run(folder, 'bash', ['-ec', commands], { environment });
    t.equal(code, 0, stderr);
  }
  t.match(await rowsOf(environment.DATABASE_URL), { sessions: [], codes: [], tokens: [] });
});
