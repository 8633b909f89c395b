/** The answers of the service are what docs/api.md shows. The other pages are followed in test/long/pages.test.ts. */
import { test } from 'tap';
import { follow } from './support/page.ts';
import { copyProject } from './support/processes.ts';

test('The examples of docs/api.md are the answers of the service', async (t) => {
  const first = ['npm start', 'npm run manage -- user create ann --admin'];
  const reading = { folder: copyProject(t), environment: { SIGN_UP: 'open' }, first };
  t.ok((await follow(t, 'docs/api.md', reading)) > 20);
});
