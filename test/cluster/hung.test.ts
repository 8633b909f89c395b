/** A worker that hangs is replaced, and a command does not wait for a primary that hangs. */
import { join } from 'node:path';
import { test } from 'tap';
import { makeFolder, manage, startServer } from '../support/processes.ts';

test('A worker whose event loop stands still is killed and replaced', async (t) => {
  const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  const server = await startServer(t, { environment: { DATABASE_URL, WORKERS: '2' } });
  const [hung = 0] = server.serving();
  process.kill(hung, 'SIGSTOP');

  server.child.kill('SIGSTOP');
  const { code, stderr } = await manage(['status'], { environment: { DATABASE_URL, PORT: server.port } });
  server.child.kill('SIGCONT');
  t.equal(code, 1);
  t.match(
    stderr,
    /^manage: The service at .* could not be asked: it does not answer\. Look into its log\.\n$/,
  );

  t.match(await server.logs('a worker died'), [{ worker: hung, cause: 'it hung for 30 seconds' }]);
  await server.logs('Server listening', 3);
  t.same(await server.stop(), { code: 0, signal: null });
});
