/** Passwords are hashed in threads: what these say must be right, and what goes wrong in them must be heard. */
import { once } from 'node:events';
import { test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { PROJECT, run } from '../support/processes.ts';

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
  await t.rejects(verify('no hash', 'one'), { message: 'Decoding failed' }, 'what is no hash is told of');
  t.equal(await verify(hashes[0], 'one'), true, 'and the thread goes on');
});

/** @returns a thread that runs the code, to which `port` is where it is asked. */
const thread = (code: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort as port, threadId } from 'node:worker_threads'; ${code}`)}`,
  );

test('a thread that can not start is told of, each time', async (t) => {
  const { hash, verify } = await makeHashing(thread("throw new Error('no such library')"));
  await Promise.all([hash('one'), hash('two')].map((asked) => t.rejects(asked, /no such library/)));
  await t.rejects(verify(undefined, 'one'), /no such library/);
});

test('a thread that ends with a question is told of, and another takes its place', async (t) => {
  const code =
    "port.on('message', ({ password }) => password === 'end' ? process.exit() : port.postMessage({ result: password }))";
  const { hash, end } = await makeHashing(thread(code));
  t.teardown(end);
  const asked = await Promise.allSettled([hash('one'), hash('end'), hash('two')]);
  t.match(asked, [
    { value: 'one' },
    { reason: { message: 'The thread that hashes has ended.' } },
    { value: 'two' },
  ]);
  t.strictSame(await Promise.all(['one', 'two', 'three'].map(hash)), ['one', 'two', 'three']);
});

test('a thread that ends while it is idle is not asked again', async (t) => {
  const { hash, end } = await makeHashing(
    thread('port.once("message", () => port.postMessage({ result: threadId }))'),
  );
  t.teardown(end);
  const [[worker], first] = await Promise.all([once(process, 'worker'), hash('one')]);
  // Else this process would not wait for it.
  worker.ref();
  await once(worker, 'exit');
  t.not(await hash('two'), first);
});

test('the end tells all who wait, and starts nothing', async (t) => {
  const { hash, verify, end } = await makeHashing(thread('port.on("message", () => {})'));
  let started = 0;
  const count = () => started++;
  process.on('worker', count);
  t.teardown(() => process.off('worker', count));
  const waiting: Promise<unknown>[] = [hash('one'), verify(undefined, 'two')];
  const told = waiting.map((asked) => t.rejects(asked, { message: 'The thread that hashes has ended.' }));
  await end();
  await Promise.all(told);
  await t.rejects(hash('three'), { message: 'The hashing has ended.' });
  t.equal(started, 2);
});

test('a process waits for what it has asked, and for nothing else', async (t) => {
  const script = `import('./accounts/passwords/hashing.ts')
    .then(({ makeHashing }) => makeHashing())
    .then(({ hash }) => hash('one'))
    .then((hashed) => console.log(hashed.length));`;
  const { stdout } = await run(PROJECT, process.execPath, ['--eval', script]);
  t.equal(stdout, '97\n');
});
