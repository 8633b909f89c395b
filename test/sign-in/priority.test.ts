/** On Linux the threads that hash give way to the one that answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'tap';
import { argon2Passwords } from '../../plugins/passwords.ts';

const THREADS = '/proc/self/task';

test('hashing gives way to answering', { skip: process.platform !== 'linux' }, async (t) => {
  await argon2Passwords();
  const priorities = readdirSync(THREADS).map((thread) => ({
    name: readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim(),
    priority: getPriority(Number(thread)),
  }));
  const hashing = priorities.filter(({ name }) => name === 'libuv-worker');
  t.equal(hashing.length, 4);
  t.ok(hashing.every(({ priority }) => priority === 10));
  t.equal(getPriority(), 0, 'and the one that answers keeps its own');
});
