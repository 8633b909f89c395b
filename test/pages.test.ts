/** The answers of the service are what docs/api.md shows. The other pages are followed in test/long/pages.test.ts. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { blocksOf, follow } from './support/page.ts';
import { copyProject, PROJECT } from './support/processes.ts';

test('The examples of docs/api.md are the answers of the service', async (t) => {
  const first = ['npm start', 'npm run manage -- user create ann --admin'];
  const reading = { folder: copyProject(t), environment: { SIGN_UP: 'open' }, first };
  t.ok((await follow(t, 'docs/api.md', reading)) > 20);
});

test('Every block of commands in a page is run by a test', async (t) => {
  const pages = globSync(['*.md', 'docs/*.md'], { cwd: PROJECT });
  for (const page of pages)
    for (const { language, mark, text } of blocksOf(readFileSync(join(PROJECT, page), 'utf8'))) {
      if (language !== 'sh') continue;
      t.ok(mark === 'test' || (mark !== '' && existsSync(join(PROJECT, mark))), `${page}: ${text}`);
    }
});
