/**
 * What hangs for long: a primary that was stopped kills no worker when it goes on, a reload gives up on a worker that never is ready, and a
 * stop waits for nobody for longer than twelve seconds.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'tap';
import { objects } from '../support/commands.ts';
import { childrenOf } from '../support/memory.ts';
import { copyProject, makeFolder, manage, startServer } from '../support/processes.ts';
import { isAlive } from '../support/running.ts';

/** In milliseconds: longer than a worker may hang. */
const STOPPED = 40_000;
/** In milliseconds: less than twice the time that one process gets. */
const STOP_TIMEOUT = 20_000;
/** Two heartbeats, in milliseconds: the primary has looked at its workers. */
const LOOKED = 2_000;

test('A service whose processes hang', async (t) => {
  const folder = copyProject(t);
  const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  const server = await startServer(t, { folder, environment: { DATABASE_URL, WORKERS: '2' } });
  const workers = server.serving();
  const command = (...args: string[]) => manage(args, { environment: { DATABASE_URL, PORT: server.port } });

  await t.test('A primary that was stopped for long kills no worker', async (t) => {
    server.child.kill('SIGSTOP');
    await delay(STOPPED);
    server.child.kill('SIGCONT');
    await delay(LOOKED);
    const [status] = objects(await command('status', '--json'));
    t.match(status, { service: { restarts: 0, workers: [{ state: 'ready' }, { state: 'ready' }] } });
    t.same(server.serving(), workers);
  });

  await t.test('A reload gives up on a worker that never is ready', async (t) => {
    // Nobody waits for the maintainer, so it may hang for longer than a worker.
    const [maintainer = 0] = childrenOf(server.pid).filter((pid) => !workers.includes(pid));
    process.kill(maintainer, 'SIGSTOP');
    appendFileSync(
      join(folder, 'app.ts'),
      '\nawait new Promise((resolve) => setTimeout(resolve, 2 ** 30));\n',
    );
    const { code, stderr } = await command('reload');
    t.equal(code, 1);
    t.match(
      stderr,
      /: a worker did not load the settings within 60 seconds\n$|: a worker did not become ready within 60 seconds\n$/,
    );
    t.same(server.serving(), workers);
    t.equal((await fetch(server.url)).status, 200);
    process.kill(maintainer, 'SIGCONT');
    await delay(LOOKED);
    t.ok(isAlive(maintainer), 'the maintainer lives');
  });

  await t.test('A stop waits twelve seconds for all that hang, the maintainer included', async (t) => {
    for (const pid of childrenOf(server.pid)) process.kill(pid, 'SIGSTOP');
    const began = performance.now();
    t.same(await server.stop(), { code: 0, signal: null });
    const took = performance.now() - began;
    t.ok(took < STOP_TIMEOUT, `${took} ms`);
    t.equal((await server.logs('a process did not stop in time')).length, 3);
  });
});
