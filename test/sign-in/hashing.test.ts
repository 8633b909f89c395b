/** Passwords are hashed in threads: what these say must be right, and what goes wrong in them must be heard. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'tap';
import { PROJECT_ROOT } from '../../config/project.ts';
import { makeHashing } from '../../plugins/hashing.ts';

test('hashing', async (t) => {
  const { hash, verify, end } = await makeHashing();
  t.teardown(end);
  const passwords = ['one', 'two', 'three', ''];
  const hashes = await Promise.all(passwords.map(hash));
  const checks = hashes.flatMap((hashed, at) =>
    passwords.map(async (password, other) => (await verify(hashed, password)) === (at === other)),
  );
  t.strictSame(
    await Promise.all(checks),
    Array(16).fill(true),
    'each is the hash of its password, and of no other',
  );
  for (const hashed of hashes) t.match(hashed, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  t.equal(await verify(undefined, 'one'), false, 'without a hash no password is right');
  await t.rejects(verify('no hash', 'one'), /Decoding/, 'what is no hash is told of');
  t.equal(await verify(hashes[0], 'one'), true, 'and the thread goes on');
});

test('a thread that ends is told of, and another takes its place', async (t) => {
  const { hash, verify, end } = await makeHashing();
  t.teardown(end);
  const hashed = await hash('one');
  const asked = t.rejects(verify(hashed, 'one'), /ended/);
  await end();
  await asked;
  t.equal(await verify(hashed, 'one'), true);
});

test('a process waits for what it has asked, and for nothing else', async (t) => {
  const script = `import('./plugins/hashing.ts')
    .then(({ makeHashing }) => makeHashing())
    .then(({ hash }) => hash('one'))
    .then((hashed) => console.log(hashed.length));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', script], { cwd: PROJECT_ROOT });
  t.equal(stdout, '97\n');
});
