/**
 * The service as a process in a fresh clone. It starts without any setup and prints where everything is. When it cannot start,
 * it prints one line for each error and exits with 1.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { bindAddress } from '../../cluster/listener.ts';
import { serve } from '../../cluster/serve.ts';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeDatabaseWith, PASSWORD } from '../support/api.ts';
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import {
  copyProject,
  launchServer,
  makeFolder,
  manage,
  manageProcess,
  PROJECT,
  type Result,
  runServer,
  startServer,
} from '../support/processes.ts';

test('A service in a fresh clone starts without setup', async (t) => {
  const folder = copyProject(t);
  const before = readdirSync(folder);

  await t.test('A service with invalid settings creates no files', async (t) => {
    const file = join(makeFolder(t), 'settings.env');
    writeFileSync(file, 'PORTT=1\n');
    const wrong: { environment?: Record<string, string>; args?: string[]; says: RegExp[] }[] = [
      {
        environment: { APP_CONFIG_FILE: file, NODE_ENV: 'production', WORKERS: '0' },
        args: ['--port', 'banana'],
        says: [
          /PORTT .*is not a setting/,
          /PORT is "banana" \(given on the command line\)/,
          /WORKERS is "0"/,
          /SECRET_KEY is missing/,
        ],
      },
      {
        environment: { PASSWORD_BLOCKLIST: file, BREACHED_PASSWORDS_FILE: 'nowhere.txt' },
        says: [/BREACHED_PASSWORDS_FILE .* names .*nowhere\.txt, which can't be read: there is no such file/],
      },
    ];
    const results = await Promise.all(
      wrong.map(({ environment = {}, args }) => runServer(environment, args, folder)),
    );
    for (const [index, result] of results.entries()) assertRefused(t, result, wrong[index]?.says ?? []);
    t.same(readdirSync(folder), before);
  });

  const server = await startServer(t, { folder });
  const { stdout } = server.output;

  t.test('The service creates a database and a key that only its user can read', async (t) => {
    const mode = (path: string) => statSync(join(folder, path)).mode & 0o777;
    t.equal(mode('data'), 0o700);
    t.equal(mode('data/secret.key'), 0o600);
    t.ok(existsSync(join(folder, 'data/rollcall.db')));
    t.same(readdirSync(folder).toSorted(), [...before, 'data'].toSorted(), 'nothing else is created');
  });

  t.test('The service prints its URL, database, settings and README', async (t) => {
    t.match(stdout, new RegExp(`Rollcall \\d+\\.\\d+\\.\\d+ listens on ${server.url}, .* for development`));
    t.match(server.url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    t.match(stdout, `sqlite:${join(folder, 'data/rollcall.db')} (brought up to date by 0000_first`);
    t.match(stdout, 'APP_CONFIG_FILE may name a file');
    t.match(stdout, join(folder, 'README.md'));
    t.equal(server.output.stderr, '');
  });

  t.test('The service answers requests', async (t) => {
    const index = await fetch(server.url);
    t.equal(index.status, 200);
    t.equal((await fetch(`${server.url}/api/users`)).status, 401);
  });

  t.test('The service prints the command for the first administrator until one exists', async (t) => {
    t.match(stdout, 'npm run manage -- user create NAME --admin');
    const made = await manageProcess(['user', 'create', 'ann', '--admin', '--password-stdin'], {
      folder,
      input: PASSWORD,
    });
    t.equal(made.code, 0, made.stderr);
    await server.stop();
    const file = join(makeFolder(t), 'settings.env');
    writeFileSync(file, 'WORKERS=1\n');
    const again = await startServer(t, { folder, environment: { APP_CONFIG_FILE: file } });
    t.notMatch(again.output.stdout, 'user create');
    t.notMatch(again.output.stdout, 'brought up to date');
    t.match(again.output.stdout, 'with 1 worker,');
    t.match(again.output.stdout, file, 'the file of settings is named');
    t.equal((await again.stop()).code, 0);
  });
});

test('A service that cannot start prints one line and exits with 1', async (t) => {
  t.test('The service does not start when the port is in use', async (t) => {
    const other = createServer().listen(0, '127.0.0.1');
    t.teardown(() => other.close());
    await once(other, 'listening');
    const address = other.address();
    const PORT = `${typeof address === 'object' ? address?.port : ''}`;
    const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
    const result = await runServer({ PORT, DATABASE_URL });
    assertRefused(t, result, [new RegExp(`in use.* 127.0.0.1:${PORT}`)]);
  });

  t.test('Of two services that bind a port at once, one says that the other listens there', async (t) => {
    const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
    t.match(await manage(['db', 'upgrade'], { environment: { DATABASE_URL } }), { code: 0 });
    const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), LOG_LEVEL: 'fatal' };
    const settings = loadSettings({ root: PROJECT, environment });
    const first = await bindAddress({ ...settings, PORT: 0 });
    const second = await bindAddress({ ...settings, PORT: first.port });
    first.socket.listen(1);
    t.teardown(() => first.socket.close());
    await t.rejects(
      serve({ ...settings, PORT: first.port }, second.socket, () => {}),
      { message: new RegExp(`^HOST is 127.0.0.1 and PORT is ${first.port}, but .* in use`) },
    );
  });

  t.test('The service does not start when the path of the database is invalid', async (t) => {
    const file = join(makeFolder(t), 'file');
    writeFileSync(file, '');
    const path = join(file, 'rollcall.db');
    const result = await runServer({ DATABASE_URL: `sqlite:${path}` });
    assertRefused(t, result, [new RegExp(`The database .*${path}`)]);
  });

  t.test('The service does not start when the file is not a database', async (t) => {
    const path = join(PROJECT, 'package.json');
    const result = await runServer({ DATABASE_URL: `sqlite:${path}` });
    assertRefused(t, result, [new RegExp(`The database .*${path}.* not a database`)]);
  });
});

onEachEngine(
  'A service that cannot use its database prints one line and exits with 1',
  async (t, { makeDatabase }) => {
    const DATABASE_URL = await makeDatabase(t);

    t.test('The service does not start on pending migrations with AUTO_MIGRATE=false', async (t) => {
      const upgraded = await manage(['db', 'upgrade', '0000'], { environment: { DATABASE_URL } });
      t.equal(upgraded.code, 0, upgraded.stderr);
      const result = await runServer({ DATABASE_URL, AUTO_MIGRATE: 'false' });
      assertRefused(t, result, [/behind the code by \d+ migrations, .* "npm run manage -- db upgrade"/]);
    });

    t.test('The service does not start on a database with unknown migrations', async (t) => {
      await makeDatabaseWith(DATABASE_URL, 'ann');
      await query(
        DATABASE_URL,
        "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)",
      );
      const result = await runServer({ DATABASE_URL });
      assertRefused(t, result, [/ahead of the code: it has a migration that this version does not know/]);
    });
  },
);

test('A reload that is asked for before the settings are read does not end the start', async (t) => {
  const folder = makeFolder(t);
  const settings = join(folder, 'settings.env');
  execFileSync('mkfifo', [settings]);
  const environment = { APP_CONFIG_FILE: settings, DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}` };
  const server = launchServer({ environment });
  t.teardown(() => server.kill());
  // It opens once the service reads its settings.
  const pipe = await open(settings, 'w');
  server.child.kill('SIGHUP');
  await pipe.writeFile('WORKERS=1\n');
  await pipe.close();
  await server.listens();
  t.equal((await server.stop()).code, 0);
});

/** Checks for exit code 1, one line on stderr for each error, and nothing on stdout. */
function assertRefused(t: Test, { code, stdout, stderr }: Result, says: RegExp[]): void {
  t.equal(code, 1, 'the exit code is 1');
  t.equal(stdout, '', 'standard output is empty');
  const lines = stderr.split('\n').slice(0, -1);
  t.equal(lines.length, says.length, stderr);
  for (const [index, pattern] of says.entries()) {
    t.match(lines[index], new RegExp(`^rollcall: .*${pattern.source}`), stderr);
  }
}
