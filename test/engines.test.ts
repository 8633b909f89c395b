/** Both engines must be there where that is asked for: what was left out must not look like what has passed. */
import { test } from 'tap';
import { engines } from './support/engines.ts';

test('the tests run on SQLite, and on MySQL where a server is installed or asked for', async (t) => {
  const names = engines.map(({ name }) => name);
  t.ok(names.includes('SQLite'));
  if (process.env.REQUIRE_MYSQL === '1')
    t.ok(names.includes('MySQL'), 'REQUIRE_MYSQL=1: a MySQL server is there');
  else t.comment(`engines: ${names.join(', ')}`);
});
