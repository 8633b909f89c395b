/** On Linux the threads that hash give way to the one that answers. */
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { PROJECT, run } from '../support/processes.ts';

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
  const script = `import('./accounts/passwords/hashing.ts')
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
