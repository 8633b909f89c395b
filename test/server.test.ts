/**
 * The service as people start it: a process in a folder that was just cloned. It must come up from nothing, say where
 * everything is, and when it can't start say why in a line, with an exit code that scripts can trust.
 */
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeDatabaseWith, PASSWORD } from './support/api.ts';
import { onEachEngine } from './support/engines.ts';
import { ask } from './support/migrations.ts';
import {
  copyProject,
  makeFolder,
  manage,
  PROJECT,
  type Result,
  runServer,
  startServer,
} from './support/processes.ts';

test('a service that is started where nothing was before', async (t) => {
  const folder = copyProject(t);
  const before = readdirSync(folder);

  await t.test('creates nothing while its settings are wrong', async (t) => {
    const file = join(makeFolder(t), 'given.env');
    writeFileSync(file, 'PORTT=1\n');
    const wrong: { environment?: Record<string, string>; args?: string[]; says: RegExp[] }[] = [
      { environment: { APP_CONFIG_FILE: file }, says: [/PORTT .*is not a setting/] },
      { environment: { NODE_ENV: 'production', WORKERS: '1' }, says: [/SECRET_KEY is missing/] },
      { args: ['--port', 'banana'], says: [/PORT is "banana" \(given on the command line\)/] },
      { environment: { PORT: 'x', WORKERS: '0' }, says: [/PORT is "x"/, /WORKERS is "0"/] },
    ];
    const results = await Promise.all(
      wrong.map(({ environment = {}, args }) => runServer(environment, args, folder)),
    );
    for (const [index, result] of results.entries()) refusedWith(t, result, wrong[index]?.says ?? []);
    t.same(readdirSync(folder), before);
  });

  const server = await startServer(t, { folder });
  const { stdout } = server.output;

  t.test('makes a database and a key that nobody else can read', async (t) => {
    const mode = (path: string) => statSync(join(folder, path)).mode & 0o777;
    t.equal(mode('data'), 0o700);
    t.equal(mode('data/secret.key'), 0o600);
    t.ok(existsSync(join(folder, 'data/rollcall.db')));
    t.same(readdirSync(folder).toSorted(), [...before, 'data'].toSorted(), 'and nothing else');
  });

  t.test('says where everything is', async (t) => {
    t.match(stdout, new RegExp(`Rollcall \\d+\\.\\d+\\.\\d+ listens on ${server.url}, .* for development`));
    t.match(server.url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    t.match(stdout, `sqlite:${join(folder, 'data/rollcall.db')} (brought up to date by 0000_first`);
    t.match(stdout, 'APP_CONFIG_FILE may name a file');
    t.match(stdout, join(folder, 'README.md'));
    t.equal(server.output.stderr, '');
  });

  t.test('answers', async (t) => {
    const index = await fetch(server.url);
    t.equal(index.status, 200);
    t.equal((await fetch(`${server.url}/api/users`)).status, 401);
  });

  t.test('names the command for the first administrator, which works, until there is one', async (t) => {
    t.match(stdout, 'npm run manage -- user create NAME --admin');
    const made = await manage(['user', 'create', 'ann', '--admin', '--password-stdin'], {
      folder,
      input: PASSWORD,
    });
    t.equal(made.code, 0, made.stderr);
    await server.stop();
    const file = join(makeFolder(t), 'given.env');
    writeFileSync(file, 'WORKERS=1\n');
    const again = await startServer(t, { folder, environment: { APP_CONFIG_FILE: file } });
    t.notMatch(again.output.stdout, 'user create');
    t.notMatch(again.output.stdout, 'brought up to date');
    t.match(again.output.stdout, 'in one process');
    t.match(again.output.stdout, file, 'the settings that were read');
    t.equal((await again.stop()).code, 0);
  });
});

test('a service that can not start says why in one line', async (t) => {
  t.test('when the port is in use', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.teardown(() => other.close());
    await once(other, 'listening');
    const address = other.address();
    const PORT = `${typeof address === 'object' ? address?.port : ''}`;
    const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
    const results = await Promise.all(
      ['1', '2'].map((WORKERS) => runServer({ PORT, WORKERS, DATABASE_URL })),
    );
    for (const result of results) refusedWith(t, result, [new RegExp(`in use.* 127.0.0.1:${PORT}`)]);
  });

  t.test('when there can be no database at that path', async (t) => {
    const file = join(makeFolder(t), 'file');
    writeFileSync(file, '');
    const path = join(file, 'rollcall.db');
    const result = await runServer({ DATABASE_URL: `sqlite:${path}`, WORKERS: '2' });
    refusedWith(t, result, [new RegExp(`The database .*${path}`)]);
  });

  t.test('when the file is not a database', async (t) => {
    const path = join(PROJECT, 'package.json');
    const result = await runServer({ DATABASE_URL: `sqlite:${path}`, WORKERS: '1' });
    refusedWith(t, result, [new RegExp(`The database .*${path}.* not a database`)]);
  });
});

onEachEngine(
  'a service that can not start on a database says why in one line',
  async (t, { makeDatabase }) => {
    const DATABASE_URL = await makeDatabase(t);

    t.test('when it is behind and may not be brought up to date', async (t) => {
      const result = await runServer({ DATABASE_URL, AUTO_MIGRATE: 'false', WORKERS: '2' });
      refusedWith(t, result, [/behind the code by \d+ migrations, .* "npm run manage -- db upgrade"/]);
    });

    t.test('when it is ahead', async (t) => {
      await makeDatabaseWith(DATABASE_URL, 'ann');
      await ask(
        DATABASE_URL,
        "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)",
      );
      const result = await runServer({ DATABASE_URL, WORKERS: '1' });
      refusedWith(t, result, [/ahead of the code: it has 1 migrations that this version does not know/]);
    });
  },
);

/** One line on stderr for each mistake and nothing else, and exit code 1. */
function refusedWith(t: Test, { code, stdout, stderr }: Result, says: RegExp[]): void {
  t.equal(code, 1, 'the exit code');
  t.equal(stdout, '', 'nothing on standard output');
  const lines = stderr.split('\n').slice(0, -1);
  t.equal(lines.length, says.length, stderr);
  for (const [index, pattern] of says.entries()) {
    t.match(lines[index], new RegExp(`^rollcall: .*${pattern.source}`), stderr);
  }
}
