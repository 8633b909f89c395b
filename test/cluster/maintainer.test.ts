/**
 * The primary's side of its processes, in the process of this test, so that it can refuse to start them and see what they leave behind. The
 * maintainer of a whole service is in workers.test.ts and reload.test.ts.
 */
import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Test, test } from 'tap';
import { living } from '../../cluster/child.ts';
import { MaintainerProcess } from '../../cluster/maintainer-process.ts';
import { WorkerProcess } from '../../cluster/worker-process.ts';
import { loadSettings } from '../../config/load.ts';
import { makeLog } from '../support/log.ts';
import { makeFolder, PROJECT } from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';

// The processes do not load tap.
delete process.env.NODE_OPTIONS;
process.execArgv = [];
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** @returns the id of the process that was started last. */
const newest = () => [...living].at(-1)?.pid ?? 0;

function makeMaintainer(t: Test) {
  const DATABASE_URL = `sqlite:${makeFolder(t)}/rollcall.db`;
  const environment = { DATABASE_URL, METRICS_PORT: '0', LOG_LEVEL: 'fatal' };
  const settings = loadSettings({ root: PROJECT, environment });
  const { log, lines } = makeLog();
  const maintainer = new MaintainerProcess(settings, log, () => {});
  t.teardown(() => maintainer.stop());
  return { maintainer, settings, linesOf: (msg: string) => lines.filter((line) => line.includes(msg)) };
}

test('A maintainer that dies while it prepares the database is told in one line', async (t) => {
  const { maintainer, linesOf } = makeMaintainer(t);
  const prepared = maintainer.prepare();
  process.kill(newest(), 'SIGKILL');
  await t.rejects(prepared, { message: 'the maintainer ended during its start (SIGKILL)' });
  t.same(linesOf(''), []);
});

test('The maintainer', async (t) => {
  const { maintainer, settings, linesOf } = makeMaintainer(t);
  t.match(await maintainer.prepare(), { hasUsers: false });
  await maintainer.maintain(settings);
  const pid = newest();
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  t.teardown(() => process.off('warning', warn));
  const isUp = async () => (await maintainer.metrics()).length > 0;

  await t.test('is not remembered by the primary for each time that it has told its metrics', async (t) => {
    const told = new WeakRef(await maintainer.metrics());
    t.ok(await isUp());
    await nextTurn();
    collectGarbage();
    t.equal(told.deref(), undefined);
  });

  await t.test('is given up after two seconds, also when it is asked again and again', async (t) => {
    process.kill(pid, 'SIGSTOP');
    t.same(await Promise.all(Array.from({ length: 20 }, isUp)), Array(20).fill(false));
    process.kill(pid, 'SIGCONT');
    t.ok(await isUp());
    t.same(warnings, []);
  });

  await t.test('is replaced once the system lets the primary start a process', async (t) => {
    const node = process.execPath;
    process.execPath = '/dev/null/node';
    process.kill(pid, 'SIGKILL');
    await until('it is tried again', () => linesOf('the maintainer could not start')[1]).finally(() => {
      process.execPath = node;
    });
    t.match(
      linesOf('the maintainer could not start').map((line) => JSON.parse(line)),
      [
        { reason: /ENOTDIR/, pause: 200 },
        { reason: /ENOTDIR/, pause: 400 },
      ],
    );
    await until('the next one is ready', async () => (await isUp()) || undefined);
  });

  await t.test('is stopped without a complaint while it is being replaced', async (t) => {
    const failures = linesOf('the maintainer could not start');
    process.kill(newest(), 'SIGKILL');
    await until('it is replaced', () => linesOf('the maintainer died')[1]);
    await maintainer.stop();
    await nextTurn();
    t.same(linesOf('the maintainer could not start'), failures);
  });
});

test('What is sent to a worker that has just died ends nobody', async (t) => {
  const { log, lines } = makeLog();
  const worker = new WorkerProcess(1, 1, log);
  const pid = newest();
  process.kill(pid, 'SIGKILL');
  // Until the next turn of the event loop, this process does not know. The last thread closes the channel.
  while (isAlive(pid) || readdirSync(`/proc/${pid}/task`).length > 1);
  worker.tellWritable(true);
  t.equal(await worker.exited, 'SIGKILL');
  t.match(lines, [/a message to a process could not be sent/]);
});
