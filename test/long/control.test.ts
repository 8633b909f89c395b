/** Peers of the control socket that are silent for ten seconds are given up, and do not keep the next command out. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { succeeds } from '../support/commands.ts';
import { makeFolder, manage, startServer } from '../support/processes.ts';

test('Connections that ask nothing are closed, and commands reach the service again', async (t) => {
  const folder = makeFolder(t);
  const environment = { DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}`, WORKERS: '1' };
  const server = await startServer(t, { environment });
  const path = join(folder, `control-${server.port}.sock`);
  // As many as the service takes at once.
  const silent = Array.from({ length: 16 }, () => connect(path).resume());
  await Promise.all(silent.map((socket) => once(socket, 'close')));
  succeeds(t, await manage(['status'], { environment: { ...environment, PORT: server.port } }), /^Rollcall /);
});
