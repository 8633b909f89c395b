/** docs/sign-in.md lists the cases that tests name, and each case has its test in the file that the page names. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { findSetting } from '../../../config/schema.ts';
import { PROJECT } from '../../support/processes.ts';

test('Each case of signing in has its test, and each test its case', async (t) => {
  const page = readFileSync(join(PROJECT, 'docs/sign-in.md'), 'utf8');
  const listed = [...page.matchAll(/^\| (\d+) \| .* \| `(test\/\S+)` \|$/gm)].map(
    ([, number, file]) => `${number} ${file}`,
  );
  const named = globSync('test/**/*.test.ts', { cwd: PROJECT }).flatMap((file) =>
    [...readFileSync(join(PROJECT, file), 'utf8').matchAll(/\(case (\d+)\)/g)].map(
      ([, number]) => `${number} ${file.replaceAll('\\', '/')}`,
    ),
  );
  t.ok(listed.length > 30);
  t.strictSame([...new Set(named)].sort(), listed.toSorted());
});

test('The page says how long sessions live, and how many a user has, by default (7.1.1, 7.1.2)', async (t) => {
  const page = readFileSync(join(PROJECT, 'docs/sign-in.md'), 'utf8');
  const units: Record<string, number> = { hours: 3600, days: 24 * 3600, sessions: 1 };
  const rows = [...page.matchAll(/^\| .+ \| (\d+) (\w+) \| `(\w+)` \|$/gm)].map(
    ([, count, unit = '', name = '']) => ({
      name,
      says: Number(count) * (units[unit] ?? Number.NaN),
    }),
  );
  t.strictSame(
    rows.map(({ name }) => name),
    ['SESSION_IDLE', 'SESSION_LIFETIME', 'REMEMBER_LIFETIME', 'MAX_SESSIONS'],
  );
  for (const { name, says } of rows) t.match(findSetting(name), { default: says }, name);
});
