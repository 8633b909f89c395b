/**
 * Runs once before the tests: has one MySQL server started for all of them, if they are not given one. Says in one line
 * when there is none; with REQUIRE_MYSQL=1 that fails the run.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findServer } from './mysql-server.ts';

if (!process.env.TEST_MYSQL_URL) {
  if (findServer()) {
    const keeper = spawn(
      process.execPath,
      [join(import.meta.dirname, 'mysql-keeper.ts'), String(process.ppid)],
      {
        detached: true,
        stdio: 'ignore',
      },
    );
    keeper.unref();
  } else {
    process.stderr.write(
      'The MySQL half of the tests is left out: no server is installed. Install one ("apt-get install mariadb-server") or name one in TEST_MYSQL_URL.\n',
    );
    if (process.env.REQUIRE_MYSQL === '1') process.exitCode = 1;
  }
}
