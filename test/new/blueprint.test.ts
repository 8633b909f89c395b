/** npm run new -- blueprint writes the files of a blueprint, or nothing at all. docs/blueprints.md is followed in test/long/pages.test.ts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { copyProject, run } from '../support/processes.ts';

test('npm run new -- blueprint writes the files of a blueprint', async (t) => {
  const folder = copyProject(t);
  const make = (...names: string[]) => run(folder, process.execPath, ['new/index.ts', 'blueprint', ...names]);
  const list = join(folder, 'db/schema/parts.ts');
  const before = readFileSync(list, 'utf8');

  const refused: [names: string[], reason: RegExp][] = [
    [['Notes'], /The name Notes must be one word of lower-case letters/],
    [['blog-posts'], /The name blog-posts must be/],
    [['../notes'], /The name \.\.\/notes must be/],
    [['people'], /What is one of people\? Give it as the second name/],
    [['boxes'], /What is one of boxes\?/],
    [['pages'], /The name page means something else in the code/],
    [['sheep', 'sheep'], /The name of all and the name of one must differ/],
    [['users'], /There is a file db\/schema\/users\.ts already/],
    [['sessions'], /There is a file db\/schema\/sessions\.ts already/],
    [['secrets'], /There is a file accounts\/secrets\.ts already/],
    [['dates'], /The name date means something else/],
    [['classes', 'class'], /The name class means something else/],
    [['movies'], /What is one of movies\?/],
    [['telecommunications'], /is longer than 16 letters/],
    [[], /missing required argument 'name'/],
  ];
  for (const [names, reason] of refused) {
    const { code, stdout, stderr } = await make(...names);
    t.match({ code, stdout, stderr }, { code: 1, stdout: '', stderr: reason }, names.join(' '));
  }
  t.equal(readFileSync(list, 'utf8'), before, 'a refused one changes no list');
  t.notOk(existsSync(join(folder, 'accounts/pages.ts')), 'and writes no file');

  const rights = join(folder, 'docs/migrations.md');
  const page = readFileSync(rights, 'utf8');
  writeFileSync(rights, page.replaceAll('rollcall.users ', 'elsewhere.users '));
  t.match(await make('people', 'person'), { code: 1, stderr: /docs\/migrations\.md has no place for GRANT/ });
  t.notOk(existsSync(join(folder, 'accounts/people.ts')), 'a list without a place for it refuses all of it');
  writeFileSync(rights, page);

  t.match(await make('people', 'person'), { code: 0, stderr: '', stdout: /^wrote db\/schema\/people\.ts\n/ });
  t.match(readFileSync(list, 'utf8'), "\nexport * as people from './people.ts';\n");
  t.match(
    readFileSync(join(folder, 'accounts/people.ts'), 'utf8'),
    /export const addPerson = .*'person-added'/s,
  );
  t.match(await make('people', 'person'), {
    code: 1,
    stderr: /There is a file db\/schema\/people\.ts already/,
  });
});
