/** A command whose reader closes the pipe, as `head` does, still does all that it was asked for. */
import { onEachEngine } from '../support/engines.ts';
import { manage, PROJECT, run } from '../support/processes.ts';

onEachEngine('A command goes on when nobody reads what it prints', async (t, { makeDatabase }) => {
  const environment = { DATABASE_URL: await makeDatabase(t) };
  /** Runs the command with a standard output that is closed already. @returns its exit code. */
  const intoClosedPipe = async (command: string) => {
    const line = `set -o pipefail; "${process.execPath}" manage.ts ${command} | true`;
    return (await run(PROJECT, 'bash', ['-c', line], { environment })).code;
  };

  t.equal(await intoClosedPipe('db upgrade'), 0);
  t.match(await manage(['db', 'current'], { environment }), { code: 0, stdout: /^\d{4}_\w+\n$/ });
  t.equal(await intoClosedPipe('user create ann --admin --code'), 0);
  t.equal(await intoClosedPipe('user list'), 0);
  t.equal(await intoClosedPipe('user show nobody'), 1, 'one that fails says so');
  t.match(await manage(['user', 'list'], { environment }), { stdout: / ann\n$/ });
});
