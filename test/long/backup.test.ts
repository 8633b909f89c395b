/** Backups with real processes: the commands of the page, a restore that is killed, and a million users. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { fillTables, query, rowsOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { Load } from '../support/load/index.ts';
import { FAST_FLAGS, onOwnServer } from '../support/own-server.ts';
import { blocksOf } from '../support/page.ts';
import {
  copyProject,
  makeFolder,
  manage,
  manageProcess,
  PROJECT,
  run,
  startServer,
} from '../support/processes.ts';
import { Running, until } from '../support/running.ts';
import { tally } from '../support/tally.ts';

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
  'A restore under load loses no write that the replaced database does not have',
  async (t, { makeDatabase }) => {
    const environment = { DATABASE_URL: await makeDatabase(t), WORKERS: '2' };
    const url = environment.DATABASE_URL;
    const folder = makeFolder(t);
    const file = join(folder, 'copy');
    const command = (...args: string[]) => manage(args, { environment });
    t.match(await command('db', 'upgrade'), { code: 0 });
    t.match(await command('user', 'create', 'ann', '--admin', '--code'), { code: 0 });
    const { stdout: token } = await command('token', 'create', 'ann', 'writer', '--scope', '*');
    await addUsers(url, 20_000);
    const server = await startServer(t, { environment });
    const load = await Load.start({ urls: [server.url], databaseUrl: url });
    await load.answered(100);
    t.match(await command('db', 'backup', file), { code: 0 });
    const acknowledged: string[] = [];
    const refused: number[] = [];
    let goesOn = true;
    const write = async () => {
      while (goesOn) {
        const name = `group-${randomUUID()}`;
        const response = await fetch(`${server.url}/api/groups`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' },
          body: JSON.stringify({ name, permissions: [] }),
        });
        await response.text();
        if (response.status === 201) acknowledged.push(name);
        else refused.push(response.status);
      }
    };
    const writers = Promise.all([write(), write(), write()]);
    await load.answered(500);
    const done = await command('db', 'restore', file, '--tokens', 'keep');
    t.match(done, { code: 0 });
    const later = acknowledged.length;
    await until('a hundred further writes', () => acknowledged.length > later + 100 || undefined);
    goesOn = false;
    await writers;
    await load.stop();

    const groupsIn = async (database: string) =>
      (await query(database, 'SELECT name FROM `groups`')).map(({ name }) => String(name));
    const kept = readdirSync(folder).find((name) => name.includes('replaced-')) ?? '';
    const [replaced, restored] = await Promise.all([groupsIn(`sqlite:${join(folder, kept)}`), groupsIn(url)]);
    const all = new Set([...replaced, ...restored]);
    t.same(
      acknowledged.filter((name) => !all.has(name)),
      [],
      'each write is in one of the two databases',
    );
    t.ok(
      acknowledged.some((name) => !restored.includes(name)),
      'some were before the restore',
    );
    t.same(
      replaced.filter((name) => name.startsWith('group-') && restored.includes(name)),
      [],
    );
    t.comment(
      `${acknowledged.length} writes, refused: ${JSON.stringify(tally(refused))}, others: ${JSON.stringify(load.kinds)}`,
    );
    t.same(
      refused.filter((status) => status !== 503),
      [],
    );
    // Sessions end, names are older ones, and changes wait.
    const expected = ['401', '503 with Retry-After', 'stale'];
    t.same(
      Object.keys(load.kinds).filter((kind) => !expected.includes(kind)),
      [],
    );

    const next = await Load.start({ urls: [server.url], databaseUrl: url });
    await next.answered(500);
    t.same(await next.stop(), []);
    t.same(next.kinds, {});
    t.equal((await server.stop()).code, 0);
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
  const rows = await rowsOf(environment.DATABASE_URL);
  for (const table of ['sessions', 'codes', 'tokens']) t.strictSame(rows[table], [], table);
});
