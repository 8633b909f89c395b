/** On Linux the hashing threads run at a lower priority than the thread that answers requests. */
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { PROJECT, run } from '../support/processes.ts';

/** @returns this process's niceness plus the given amount, at most 19. */
const nicer = (niceness: number) => Math.min(getPriority() + niceness, 19);

const options = { skip: process.platform !== 'linux' };

test('Hashing threads run at a lower priority than the main thread', options, async (t) => {
  const threads = () => readdirSync('/proc/self/task').map(Number);
  const own = getPriority();
  const before = threads();
  const hashing = await makeHashing();
  const [hashed] = await Promise.all([hashing.hash('a password'), hashing.hash('another')]);
  const priorities = threads()
    .filter((thread) => !before.includes(thread))
    .map(getPriority);
  t.equal(
    priorities.filter((priority) => priority === nicer(15)).length,
    2,
    'both hashing threads have the lower priority',
  );
  t.equal(getPriority(), own, 'the main thread keeps its priority');

  await hashing.verify(hashed, 'a password');
  t.equal(
    threads().filter((thread) => getPriority(thread) === nicer(15)).length,
    2,
    'no further thread was started',
  );
  await hashing.end();
  t.equal(threads().filter((thread) => getPriority(thread) === nicer(15)).length, 0);
});

test('Hashing threads of a process with a low priority run at the lowest possible', options, async (t) => {
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
