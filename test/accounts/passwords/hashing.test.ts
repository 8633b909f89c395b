/** Worker threads hash the passwords. Their results must be right, and their failures must reach the caller. */
import { once } from 'node:events';
import { test } from 'tap';
import { makeHashing } from '../../../accounts/passwords/hashing.ts';
import { PROJECT, run } from '../../support/processes.ts';

test('Hashing verifies each password against its own hash only', async (t) => {
  const { hash, verify, end } = await makeHashing();
  t.teardown(end);
  const passwords = ['one', 'two', 'three', ''];
  const hashes = await Promise.all(passwords.map(hash));
  const checks = hashes.flatMap((hashed, at) =>
    passwords.map(async (password, other) => (await verify(hashed, password)) === (at === other)),
  );
  t.strictSame(await Promise.all(checks), Array(16).fill(true), 'each hash matches its own password only');
  for (const hashed of hashes) t.match(hashed, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  t.equal(await verify(undefined, 'one'), false, 'no password matches a missing hash');
  await t.rejects(verify('no hash', 'one'), { message: 'Decoding failed' }, 'an invalid hash is an error');
  t.equal(await verify(hashes[0], 'one'), true, 'the thread still works');
});

/** @returns the URL of a worker that runs the code. In the code, `port` receives the requests. */
const workerUrl = (code: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort as port, threadId } from 'node:worker_threads'; ${code}`)}`,
  );

test('Every hash fails with the error of a thread that cannot start', async (t) => {
  const { hash, verify } = await makeHashing(workerUrl("throw new Error('no such library')"));
  await Promise.all([hash('one'), hash('two')].map((result) => t.rejects(result, /no such library/)));
  await t.rejects(verify(undefined, 'one'), /no such library/);
});

test('A hash fails when its thread exits, and a new thread replaces it', async (t) => {
  const code =
    "port.on('message', ({ password }) => password === 'end' ? process.exit() : port.postMessage({ result: password }))";
  const { hash, end } = await makeHashing(workerUrl(code));
  t.teardown(end);
  const results = await Promise.allSettled([hash('one'), hash('end'), hash('two')]);
  t.match(results, [
    { value: 'one' },
    { reason: { message: 'The thread that hashes has ended.' } },
    { value: 'two' },
  ]);
  t.strictSame(await Promise.all(['one', 'two', 'three'].map(hash)), ['one', 'two', 'three']);
});

test('A thread that exits while idle receives no more requests', async (t) => {
  const { hash, end } = await makeHashing(
    workerUrl('port.once("message", () => port.postMessage({ result: threadId }))'),
  );
  t.teardown(end);
  const [[worker], first] = await Promise.all([once(process, 'worker'), hash('one')]);
  // Without ref() this process would not wait for the worker's exit.
  worker.ref();
  await once(worker, 'exit');
  t.not(await hash('two'), first);
});

test('end() rejects pending hashes and starts no thread', async (t) => {
  const { hash, verify, end } = await makeHashing(workerUrl('port.on("message", () => {})'));
  let started = 0;
  const count = () => started++;
  process.on('worker', count);
  t.teardown(() => process.off('worker', count));
  const waiting: Promise<unknown>[] = [hash('one'), verify(undefined, 'two')];
  const rejections = waiting.map((result) =>
    t.rejects(result, { message: 'The thread that hashes has ended.' }),
  );
  await end();
  await Promise.all(rejections);
  await t.rejects(hash('three'), { message: 'The hashing has ended.' });
  t.equal(started, 2);
});

test('A process exits once its pending hashes are done', async (t) => {
  const script = `import('./accounts/passwords/hashing.ts')
    .then(({ makeHashing }) => makeHashing())
    .then(({ hash }) => hash('one'))
    .then((hashed) => console.log(hashed.length));`;
  const { stdout } = await run(PROJECT, process.execPath, ['--eval', script]);
  t.equal(stdout, '97\n');
});
