/** What a test starts must not outlive the run: a signal, as Ctrl+C sends it, ends the process of a test without its teardowns. */
import { test } from 'tap';
import { PROJECT } from './processes.ts';
import { isAlive, Running, until } from './running.ts';

const STARTS = `
  import { Running } from './test/support/running.ts';
  const { pid } = new Running('.', 'sleep', ['600'], {}, 'ignore');
  process.stdout.write(pid + ';');
`;

test('A process that a test started ends with the process of the test', async (t) => {
  const own = new Running(PROJECT, process.execPath, ['--input-type=module', '-e', STARTS], {}, 'ignore');
  t.teardown(() => own.kill());
  const started = await own.says('what it started', (stdout) => /^(\d+);/.exec(stdout)?.[1]);
  t.ok(isAlive(Number(started)));
  own.child.kill('SIGINT');
  await until('the other one has ended', () => !isAlive(Number(started)) || undefined);
});
