/** On Linux the threads that hash give way to the one that answers. */
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'tap';
import { makeHashing } from '../../plugins/hashing.ts';

test('hashing gives way to answering', { skip: process.platform !== 'linux' }, async (t) => {
  const threads = () => readdirSync('/proc/self/task').map(Number);
  const before = threads();
  const hashing = await makeHashing();
  const [hashed] = await Promise.all([hashing.hash('a password'), hashing.hash('another')]);
  const priorities = threads()
    .filter((thread) => !before.includes(thread))
    .map(getPriority);
  t.equal(priorities.filter((priority) => priority === 10).length, 2, 'both of the threads that hash');
  t.equal(getPriority(), 0, 'and the one that answers keeps its own');

  await hashing.verify(hashed, 'a password');
  t.equal(
    threads().filter((thread) => getPriority(thread) === 10).length,
    2,
    'and there are no more of them',
  );
  await hashing.end();
  t.equal(threads().filter((thread) => getPriority(thread) === 10).length, 0);
});
