/** docs/security.md answers every requirement of OWASP ASVS 5.0, levels 1 and 2, that applies here: by tests that are there, by a page, or by a reason. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { PROJECT } from './support/processes.ts';

/** The chapters of ASVS 5.0.0 that apply to a service of users, groups and sessions, with their requirements. */
const REQUIREMENTS = `
2.3.3
3.2.1 3.3.1 3.3.2 3.3.3 3.3.4 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.5.1 3.5.2 3.5.3 3.7.2
4.1.1 4.1.2 4.1.3 4.1.4 4.2.1
6.1.1 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12
6.3.1 6.3.2 6.3.3 6.3.4 6.3.5 6.3.7 6.3.8 6.4.1 6.4.2 6.4.3 6.4.6
7.1.1 7.1.2 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.5 7.5.1 7.5.2 7.5.3
8.1.1 8.1.2 8.2.1 8.2.2 8.2.3 8.3.1 8.3.2
11.1.2 11.2.2 11.2.4 11.4.1 11.4.2 11.5.1
13.1.2 13.2.3 13.3.1 13.3.4 13.4.2 13.4.4 13.4.5
14.3.2 15.3.3 15.4.2
16.1.1 16.2.1 16.2.5 16.3.1 16.3.2 16.3.3 16.4.1 16.4.2 16.5.1 16.5.2 16.5.3 16.5.4
`
  .trim()
  .split(/\s+/);

const PAGE = 'docs/security.md';
const ROW = /^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+?) \|$/gm;
/** A test is named by its file and its name: `test/log.test.ts`: "A logged request contains no credentials". */
const TEST = /`(test\/[\w./-]+\.ts)`: "([^"]+)"/g;
const LINK = /\]\(([^)#]+)[^)]*\)/g;

const rows = [...readFileSync(join(PROJECT, PAGE), 'utf8').matchAll(ROW)].map(
  ([, id = '', requirement = '', shown = '']) => ({ id, requirement, shown }),
);

test('docs/security.md has each requirement once, in order', async (t) => {
  t.same(
    rows.map(({ id }) => id),
    REQUIREMENTS,
  );
});

test('Each test that docs/security.md names is in its file', async (t) => {
  for (const { id, shown } of rows)
    for (const [, file = '', name = ''] of shown.matchAll(TEST)) {
      const path = join(PROJECT, file);
      const source = existsSync(path) ? readFileSync(path, 'utf8').replaceAll("\\'", "'") : '';
      t.ok(
        [`'${name}'`, `"${name}"`, `\`${name}\``].some((text) => source.includes(text)),
        `${id}: ${file}: ${name}`,
      );
    }
});

test('Each requirement in docs/security.md has a test, a page or a reason', async (t) => {
  for (const { id, requirement, shown } of rows) {
    t.ok(requirement.length > 10, `${id} says what it asks for`);
    const pages = [...shown.matchAll(LINK)].map(([, page = '']) => page);
    for (const page of pages) t.ok(existsSync(join(PROJECT, dirname(PAGE), page)), `${id}: ${page}`);
    const hasReason = /^(Does not apply|Comes later): .{20,}/.test(shown);
    // A table of tests that nobody can read as such would be no answer.
    t.ok([...shown.matchAll(TEST)].length + pages.length > 0 || hasReason, `${id}: ${shown}`);
    t.equal(
      (shown.match(/`test\//g) ?? []).length,
      [...shown.matchAll(TEST)].length,
      `${id} names its tests`,
    );
  }
});
