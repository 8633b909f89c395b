/** DATABASE_URL may name several servers. Each is reached with the same user, password, database and parameters. */
import { test } from 'tap';
import { databaseServers } from '../../config/database-url.ts';

test('DATABASE_URL names servers by commas, and the password may have commas, too', async (t) => {
  const url = 'mysql://ann:1,2%2F3@a,b:3307,[::1]:3308/rollcall?ssl=true';
  const rest = 'rollcall?ssl=%7B%22verifyIdentity%22%3Atrue%7D';
  t.strictSame(databaseServers(url), [
    { name: 'a:3306', url: `mysql://ann:1,2%2F3@a/${rest}`, address: { host: 'a', port: 3306 } },
    { name: 'b:3307', url: `mysql://ann:1,2%2F3@b:3307/${rest}`, address: { host: 'b', port: 3307 } },
    {
      name: '[::1]:3308',
      url: `mysql://ann:1,2%2F3@[::1]:3308/${rest}`,
      address: { host: '::1', port: 3308 },
    },
  ]);
});

test('DATABASE_URL names one server without commas, by its host or its socket', async (t) => {
  const names = (url: string) => databaseServers(url).map(({ name, address }) => ({ name, address }));
  t.strictSame(names('mysql:///rollcall'), [
    { name: 'localhost:3306', address: { host: 'localhost', port: 3306 } },
  ]);
  t.strictSame(names('mysql://ann@db/rollcall?socketPath=/run/mysqld.sock'), [
    { name: '/run/mysqld.sock', address: { path: '/run/mysqld.sock' } },
  ]);
});
