/** Files in a folder that each add something: what editors leave there is passed over, and a mistake is told with its file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadFolder } from '../../config/load-folder.ts';
import { makeFolder } from '../support/processes.ts';

test('A folder is loaded in the order of its files, without what is none of them', async (t) => {
  const folder = makeFolder(t);
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const load = () => loadFolder<() => string>(folder);
  write('second.ts', 'export default () => "second";');
  write('first.ts', 'export default () => "first";');
  write('an_Odd name.ts', 'export default () => "odd";');
  for (const name of ['first.ts~', '.first.ts.swp', '.DS_Store', 'README.md', 'first.test.ts', 'first.d.ts'])
    write(name, 'throw new Error("loaded");');
  mkdirSync(join(folder, 'folder'));
  t.same(
    (await load()).map((made) => made()),
    ['odd', 'first', 'second'],
  );
  t.same(await loadFolder(join(folder, 'none')), [], 'without a folder there is nothing');
  write('third.ts', 'export const third = () => "third";');
  await t.rejects(load(), { message: /third\.ts must export a function by default\.$/ });
});
