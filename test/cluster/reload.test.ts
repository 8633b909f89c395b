/**
 * A reload reads settings and code anew, and replaces the workers one by one. One that fails leaves the workers as they are, and says
 * why. Connections wait while the only worker is replaced. That none is lost under load is shown in test/long/.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { keepUntilRestart } from '../../cluster/reloaded-settings.ts';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { fails, objects, succeeds } from '../support/commands.ts';
import { childrenOf } from '../support/memory.ts';
import { metricsUrl, sumOf } from '../support/metrics.ts';
import {
  copyProject,
  makeFolder,
  manage,
  runServer,
  type Server,
  startServer,
} from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';

const BROKEN = "\nthrow new Error('This release is broken.');\n";

/** A project whose code and settings the test changes. */
function makeProject(t: Test) {
  const folder = copyProject(t);
  const settings = join(makeFolder(t), 'settings.env');
  const databaseUrl = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  const app = join(folder, 'app.ts');
  const code = readFileSync(app, 'utf8');
  return {
    folder,
    databaseUrl,
    environment: { APP_CONFIG_FILE: settings },
    set: (lines: string) => writeFileSync(settings, `DATABASE_URL=${databaseUrl}\n${lines}\n`),
    setAll: (lines: string) => writeFileSync(settings, `${lines}\n`),
    breakCode: () => appendFileSync(app, BROKEN),
    mendCode: () => writeFileSync(app, code),
  };
}

const linesOf = (server: Server, message: string) =>
  server.log().filter(({ msg }) => msg.startsWith(message));

test('A service is reloaded without a restart', async (t) => {
  const project = makeProject(t);
  const { folder, databaseUrl, environment } = project;
  project.set('WORKERS=1');

  await t.test('Code that does not load ends the start with its reason', async (t) => {
    project.breakCode();
    const { code, stderr } = await runServer(environment, [], folder);
    t.equal(code, 1);
    t.equal(stderr, 'rollcall: This release is broken.\n');
    project.mendCode();
  });

  const server = await startServer(t, { folder, environment });
  /** Runs a command with the settings that the service was started with. */
  const command = (...args: string[]) =>
    manage(args, { environment: { DATABASE_URL: databaseUrl, PORT: server.port } });
  const status = async () => objects(await command('status', '--json'))[0];
  const docs = async () => (await fetch(`${server.url}/docs`)).status;

  await t.test('manage status tells workers, database and sessions', async (t) => {
    succeeds(
      t,
      await command('status'),
      new RegExp(
        `^Rollcall [\\d.]+ at ${server.url}, since .*\nworker ${server.serving()[0]}  ready  since .*  generation 1  [\\d.]+\nworkers restarted: 0\nlast reload: none\ndatabase: ${databaseUrl}\nnewest migration: \\d{4}_\\w+\nliving sessions: 0\n$`,
      ),
    );
  });

  await t.test('manage reload takes new settings, and says what needs a restart', async (t) => {
    project.setAll('WORKERS=2\nDOCS=false\nHOST=127.0.0.2\nDATABASE_URL=sqlite:elsewhere.db');
    t.equal(await docs(), 200);
    const [old = 0] = server.serving();
    succeeds(
      t,
      await command('reload'),
      /^2 workers were replaced\.\nHOST has changed, which takes effect by a restart only\.\nDATABASE_URL has changed, .*\n$/,
    );
    t.notOk(isAlive(old), 'the worker has ended');
    t.equal(await docs(), 404);
    t.match(await status(), {
      service: {
        workers: [
          { state: 'ready', generation: 2 },
          { state: 'ready', generation: 2 },
        ],
        lastReload: { replaced: 2, needRestart: ['HOST', 'DATABASE_URL'] },
      },
      database: { url: databaseUrl, sessions: 0 },
      problems: [],
    });
  });

  await t.test('SIGHUP reloads, and a reload meanwhile follows', async (t) => {
    project.set('WORKERS=1');
    process.kill(server.pid, 'SIGHUP');
    await server.logs('a reload begins', 2);
    succeeds(t, await command('reload'), /^Another reload was under way\. .*\n1 worker was replaced\.\n$/);
    const ends = await server.logs('the reload succeeded', 3);
    t.match(ends.slice(1), [{ replaced: 1 }, { replaced: 1 }]);
    t.equal(await docs(), 200);
    t.match(await status(), { service: { workers: [{ generation: 4 }] } });
  });

  await t.test('A reload with a wrong setting fails, and the workers go on', async (t) => {
    const before = server.serving().at(-1) ?? 0;
    project.set('WORKERS=1\nPORTT=1');
    const { code, stdout, stderr } = await command('reload');
    t.equal(code, 1);
    t.equal(stdout, '0 workers were replaced.\n');
    t.match(
      stderr,
      /^manage: The reload failed, and the other workers go on as they are: PORTT \(given in .*\) is not a setting/,
    );
    t.equal(stderr.split('\n').length, 2, 'it is one line');
    t.match(await server.logs('the reload failed'), [{ level: 50, reason: /^PORTT / }]);
    t.ok(isAlive(before));
    t.equal(await docs(), 200);
    t.match(await status(), {
      service: { workers: [{ pid: before, generation: 4 }], lastReload: { failure: /^PORTT / } },
    });
    project.set('WORKERS=1');
  });

  await t.test(
    'A reload with code that throws fails; a worker that dies then is replaced once it is mended',
    async (t) => {
      project.breakCode();
      t.match(await command('reload'), { code: 1, stderr: /: This release is broken\.\n$/ });
      t.equal(await docs(), 200);
      process.kill(server.serving().at(-1) ?? 0, 'SIGKILL');
      const failures = await server.logs('a worker could not start', 2);
      t.match(failures, [{ reason: 'This release is broken.', pause: 200 }, { pause: 400 }]);
      const waiting = docs();
      project.mendCode();
      t.equal(await waiting, 200, 'the connection waited for the next worker');
      t.equal(linesOf(server, 'a worker died').length, 1);
    },
  );

  await t.test('A killed primary leaves nothing that the next start minds, and no worker', async (t) => {
    const workers = server.serving();
    server.child.kill('SIGKILL');
    await until('all have ended', () => (workers.some(isAlive) ? undefined : true), 2_000);
    const { code, stdout, stderr } = await command('status');
    t.equal(code, 1);
    t.match(stdout, /^database: .*\nnewest migration: .*\nliving sessions: 0\n$/);
    t.match(
      stderr,
      /^manage: No service runs with PORT=\d+ \(there is none at .*\)\. Start it with "npm start"/,
    );
    fails(t, await command('reload'), /^manage: No service runs/);

    const again = await startServer(t, { folder, environment: { ...environment, PORT: server.port } });
    t.match(await status(), { service: { url: server.url, restarts: 0 } });
    process.kill(again.pid, 'SIGHUP');
    await again.logs('a reload begins');
    t.same(await again.stop(), { code: 0, signal: null }, 'a stop ends a reload');
    t.match(linesOf(again, 'the reload failed'), [{ reason: 'The service is stopping.' }]);
  });
});

test('A new worker that dies before the old one stops is replaced', async (t) => {
  const { folder, databaseUrl } = makeProject(t);
  const primary = join(folder, 'cluster/start.ts');
  // The kill at the worst moment: the new worker serves, and the maintenance begins with the new settings.
  const kill =
    "const worker = [...primary.workers].at(-1); worker?.kill('a test'); await worker?.exited; log.level";
  writeFileSync(primary, readFileSync(primary, 'utf8').replace('log.level', kill));
  const server = await startServer(t, { folder, environment: { DATABASE_URL: databaseUrl, WORKERS: '1' } });
  process.kill(server.pid, 'SIGHUP');
  t.match(await server.logs('a worker died and is replaced'), [{ cause: 'a test' }]);
  await server.logs('the reload succeeded');
  t.equal((await fetch(`${server.url}/docs`)).status, 200);
});

test('A reload whose maintainer can not begin fails, and the former one goes on until it is replaced', async (t) => {
  const { folder, databaseUrl } = makeProject(t);
  const maintenance = join(folder, 'cluster/maintenance.ts');
  const code = readFileSync(maintenance, 'utf8');
  const environment = { DATABASE_URL: databaseUrl, WORKERS: '1', METRICS_PORT: '0' };
  const server = await startServer(t, { folder, environment });
  const maintainers = () =>
    childrenOf(server.pid).filter((pid) => !server.serving().includes(pid) && isAlive(pid));
  const isUp = async () => {
    const text = await (await fetch(metricsUrl(server))).text();
    return sumOf(text, 'rollcall_maintainer_up');
  };
  const [former = 0] = maintainers();
  appendFileSync(maintenance, BROKEN);
  process.kill(server.pid, 'SIGHUP');
  t.match(await server.logs('the reload failed'), [{ reason: 'This release is broken.', replaced: 0 }]);
  t.same(maintainers(), [former]);

  process.kill(former, 'SIGKILL');
  t.match(await server.logs('the maintainer died'), [{ process: former, cause: 'SIGKILL' }]);
  const failures = await server.logs('the maintainer could not start', 2);
  t.match(failures, [{ reason: 'This release is broken.', pause: 200 }, { pause: 400 }]);
  t.equal((await fetch(`${server.url}/readyz`)).status, 200);
  t.equal(await isUp(), 0);
  writeFileSync(maintenance, code);
  await until('the next one is ready', async () => (await isUp()) || undefined);
});

test("MySQL's servers, user and password change by a reload, and its database and the address of metrics do not", async (t) => {
  const load = (databaseUrl: string, more: Record<string, string> = {}) =>
    loadSettings({ root: makeFolder(t), environment: { DATABASE_URL: databaseUrl, ...more } });
  const current = load('mysql://ann:old@one/rollcall');
  const others = load('mysql://bob:new@two:3307,three/rollcall', { METRICS_PORT: '9464', WORKERS: '3' });
  const { settings, needRestart } = keepUntilRestart(others, current);
  t.same(needRestart, ['METRICS_PORT']);
  t.match(settings, { DATABASE_URL: 'mysql://bob:new@two:3307,three/rollcall', WORKERS: 3 });
  t.equal(settings.METRICS_PORT, undefined);
  const elsewhere = keepUntilRestart(load('mysql://ann:old@one/other'), current);
  t.same(elsewhere.needRestart, ['DATABASE_URL']);
  t.equal(elsewhere.settings.DATABASE_URL, current.DATABASE_URL);
});

test('A settings file that was cut off does not make a service in production one in development', async (t) => {
  const load = (environment: Record<string, string>) => loadSettings({ root: makeFolder(t), environment });
  const current = load({ NODE_ENV: 'production', SECRET_KEY: makeSecret() });
  t.throws(() => keepUntilRestart(load({}), current), {
    message: /^NODE_ENV is development, and the service runs for production\. Correct the settings/,
  });
});
