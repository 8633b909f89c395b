/** On Linux the threads that hash, and those that V8 has, give way to the one that answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { makeHashing } from '../plugins/hashing.ts';
import { makeFolder, PROJECT, run, startServer } from './support/processes.ts';

/** Of a thread that is nicer than this process by so much. */
const nicer = (niceness: number) => Math.min(getPriority() + niceness, 19);

const options = { skip: process.platform !== 'linux' };

test('hashing gives way to answering', options, async (t) => {
  const threads = () => readdirSync('/proc/self/task').map(Number);
  const own = getPriority();
  const before = threads();
  const hashing = await makeHashing();
  const [hashed] = await Promise.all([hashing.hash('a password'), hashing.hash('another')]);
  const priorities = threads()
    .filter((thread) => !before.includes(thread))
    .map(getPriority);
  t.equal(priorities.filter((priority) => priority === nicer(15)).length, 2, 'both of the threads that hash');
  t.equal(getPriority(), own, 'and the one that answers keeps its own');

  await hashing.verify(hashed, 'a password');
  t.equal(
    threads().filter((thread) => getPriority(thread) === nicer(15)).length,
    2,
    'and there are no more of them',
  );
  await hashing.end();
  t.equal(threads().filter((thread) => getPriority(thread) === nicer(15)).length, 0);
});

test('and as far as there is room in a process that gives way itself', options, async (t) => {
  const script = `import('./plugins/hashing.ts')
    .then(({ makeHashing }) => makeHashing())
    .then(({ hash }) => hash('a password'))
    .then(() => fs.readdirSync('/proc/self/task').map((thread) => os.getPriority(Number(thread))))
    .then((priorities) => console.log(JSON.stringify(priorities)));`;
  const command = ['-n', String(15 - getPriority()), process.execPath, '--eval', script];
  const { stdout } = await run(PROJECT, 'nice', command);
  const priorities: number[] = JSON.parse(stdout);
  t.strictSame([...new Set(priorities)].sort(), [15, 19]);
  t.equal(priorities.filter((priority) => priority === 19).length, 1);
});

test('whoever serves answers before V8 helps', options, async (t) => {
  const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  const server = await startServer(t, { environment: { DATABASE_URL, WORKERS: '2' } });
  await server.logs('Server listening', 2);
  for (const pid of server.serving()) {
    const priorities = (name: string) =>
      readdirSync(`/proc/${pid}/task`)
        .filter((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8') === `${name}\n`)
        .map((thread) => getPriority(Number(thread)));
    t.strictSame([...new Set(priorities('V8Worker'))], [nicer(5)]);
    t.strictSame([...new Set(priorities('libuv-worker'))], [getPriority()], 'and no other threads');
    t.equal(getPriority(pid), getPriority());
  }
});

test('where nothing is told of threads all stays as it is', options, async (t) => {
  const script = `
    fs.readdirSync = () => { throw new Error('forbidden'); };
    require('node:module').syncBuiltinESMExports();
    import('./cluster/helpers.ts').then(({ letHelpersGiveWay }) => letHelpersGiveWay()).then(() => console.log('on'));`;
  const { stdout } = await run(PROJECT, process.execPath, ['--eval', script]);
  t.equal(stdout, 'on\n');
});
