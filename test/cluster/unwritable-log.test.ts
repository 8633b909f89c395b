/** A service whose log can't be written starts, serves and stops: a full disk of the log, or a reader that is gone, is no end of the service. */
import { join } from 'node:path';
import { test } from 'tap';
import { freePort } from '../support/mysql-server.ts';
import { makeFolder, PROJECT, Server } from '../support/processes.ts';
import { until } from '../support/running.ts';

for (const [what, output] of [
  ['is on a full disk', '/dev/full'],
  ['has no reader any more', '>(true)'],
] as const)
  test(`A service whose log ${what} serves and stops`, async (t) => {
    const PORT = String(await freePort());
    const environment = {
      PORT,
      DATABASE_URL: `sqlite:${join(makeFolder(t), 'rollcall.db')}`,
      WORKERS: '1',
      LOG_REQUESTS: 'true',
    };
    const line = `exec "${process.execPath}" server.ts > ${output}`;
    const server = new Server(PROJECT, 'bash', ['-c', line], environment, 'ignore');
    t.teardown(() => server.kill());
    const status = () =>
      fetch(`http://127.0.0.1:${PORT}/`).then(
        (response) => response.status,
        () => undefined,
      );
    t.equal(await until('it answers', status), 200);
    for (let request = 0; request < 20; request++) t.equal(await status(), 200);
    t.same(await server.stop(), { code: 0, signal: null });
    t.equal(server.output.stderr, '');
  });
