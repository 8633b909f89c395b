/** A test that is killed, for example by a time limit, must not leave its MySQL server running. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { findServer } from '../../../support/mysql-server.ts';
import { skipTests } from '../../../support/own-server.ts';
import { PROJECT } from '../../../support/processes.ts';
import { isAlive, Running, until } from '../../../support/running.ts';

const NAME = 'A MySQL server ends and its data are removed when the test that started it is killed';
const CODE = `
  import { MysqlServer } from './test/support/mysql-server.ts';
  const server = new MysqlServer();
  await server.start();
  await server.kill('SIGKILL');
  await server.start();
  console.log('started in ' + server.folder + ' .');
`;

if (!findServer()) skipTests(NAME, 'no MySQL server is installed');
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
    const folder = await owner.says(
      'the folder of the server',
      (stdout) => /started in (\S+) \./.exec(stdout)?.[1],
    );
    const server = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    t.ok(isAlive(server), 'the server runs');
    process.kill(owner.pid, 'SIGKILL');
    t.match(await owner.exit, { signal: 'SIGKILL' });
    await until('the server ends', () => (isAlive(server) ? undefined : true));
    await until('the data are removed', () => (existsSync(folder) ? undefined : true));
  });
}
