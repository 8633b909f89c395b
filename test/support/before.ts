/**
 * Runs once before all tests and starts a MySQL server for them, unless TEST_MYSQL_URL names one. If none is installed,
 * it says so in one line; with REQUIRE_MYSQL=1 the run fails.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findServer } from './mysql-server.ts';

// tap gives what --test-env says to tests, and not to this; here it is one of the lines of another variable.
const { TEST_MYSQL_URL, TEST_ENGINE, TAP_TEST_ENV = '' } = process.env;
const isOnSqliteOnly = [`TEST_ENGINE=${TEST_ENGINE}`, ...TAP_TEST_ENV.split('\n')].includes(
  'TEST_ENGINE=sqlite',
);

if (!TEST_MYSQL_URL && !isOnSqliteOnly) {
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
      'The tests on MySQL are skipped: no server is installed. Install one ("apt-get install mariadb-server") or name one in TEST_MYSQL_URL.\n',
    );
    if (process.env.REQUIRE_MYSQL === '1') process.exitCode = 1;
  }
}
