/** A test that is killed, as by a time limit, must not leave its server behind: after some runs the machine would be full. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { findServer } from '../support/mysql-server.ts';
import { leaveOut } from '../support/own-server.ts';
import { isAlive, PROJECT, Running, until } from '../support/processes.ts';

const NAME = "a test's own server";
const CODE = `
  import { MysqlServer } from './test/support/mysql-server.ts';
  const server = new MysqlServer();
  await server.start();
  await server.kill('SIGKILL');
  await server.start();
  console.log('started in ' + server.folder + ' .');
`;

if (!findServer()) leaveOut(NAME, 'no MySQL server is installed');
else {
  test(NAME, async (t) => {
    const owner = new Running(
      PROJECT,
      process.execPath,
      ['--input-type=module', '--eval', CODE],
      {},
      'ignore',
    );
    t.teardown(() => owner.kill());
    const folder = await owner.says('where', (stdout) => /started in (\S+) \./.exec(stdout)?.[1]);
    const server = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    t.ok(isAlive(server));
    process.kill(owner.pid, 'SIGKILL');
    t.match(await owner.exit, { signal: 'SIGKILL' });
    await until('the server has ended', () => (isAlive(server) ? undefined : true));
    await until('its data are gone', () => (existsSync(folder) ? undefined : true));
  });
}
