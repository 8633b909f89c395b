/** With REQUIRE_MYSQL=1 the tests must run on MySQL, so that skipped tests do not look like passed ones. */
import { test } from 'tap';
import { engines } from './engines.ts';

test('The tests run on SQLite, and on MySQL where it is installed or required', async (t) => {
  const names = engines.map(({ name }) => name);
  if (process.env.TEST_ENGINE) return t.equal(names.length, 1, 'only the one that is wanted');
  t.ok(names.includes('SQLite'));
  if (process.env.REQUIRE_MYSQL === '1')
    t.ok(names.includes('MySQL'), 'REQUIRE_MYSQL=1 needs a MySQL server');
  else t.comment(`engines: ${names.join(', ')}`);
});
