/** A reader who types the commands of a page, from its beginning to its end, gets through. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { blocksOf, follow, type Reader } from '../support/page.ts';
import { copyProject, git, makeFolder, run } from '../support/processes.ts';

test('The commands of README.md work', async (t) => {
  t.equal(await follow(t, 'README.md', { folder: copyProject(t) }), 12);
});

test('The commands of docs/commands.md work', async (t) => {
  const before = {
    // The page ends a session of cleo, so there must be one.
    'session list cleo': async ({ server }: Reader) => {
      const body = JSON.stringify({ username: 'cleo', password: 'correct horse' });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${server?.url}/api/sign/in`, { method: 'POST', headers, body });
      t.equal(response.status, 200);
    },
  };
  const reading = { folder: copyProject(t), before, first: ['npm start'] };
  t.ok((await follow(t, 'docs/commands.md', reading)) > 20);
});

test('The commands of docs/migrations.md work', async (t) => {
  const folder = copyProject(t);
  const [edit] = blocksOf(readFileSync(join(folder, 'docs/migrations.md'), 'utf8')).filter(
    ({ language }) => language === 'ts',
  );
  const before = {
    'db revision group_color': () => {
      const schema = join(folder, 'db/schema/groups.ts');
      const text = readFileSync(schema, 'utf8');
      writeFileSync(
        schema,
        text.replace(/^ +title: .*$/m, (line) => `${line}\n${edit?.text}`),
      );
    },
  };
  t.ok((await follow(t, 'docs/migrations.md', { folder, before })) > 8);
});

test('The commands of CONTRIBUTING.md work', async (t) => {
  const folder = copyProject(t);
  t.equal(await follow(t, 'CONTRIBUTING.md', { folder }), 1);
  const page = readFileSync(join(folder, 'CONTRIBUTING.md'), 'utf8');
  const commands = [...page.matchAll(/^\|.*\| `(npx tap [^`]+)`/gm)].map(([, command = '']) => command);
  t.equal(commands.length, 3);
  for (const command of commands) {
    const { code, stdout } = await run(folder, 'bash', ['-c', `${command} --reporter=tap`], {
      deadline: 120_000,
    });
    t.equal(code, 0, stdout);
    t.match(stdout, /^# \{ total: [1-9]/m, command);
  }
});

test('A team takes over a new version as docs/upgrading.md says', async (t) => {
  const [rollcall, team] = [copyProject(t), join(makeFolder(t), 'team')];
  await git(rollcall, 'init', '-q', '-b', 'main');
  const commitAll = async (folder: string) => {
    await git(folder, 'add', '-A');
    await git(folder, 'commit', '-q', '-m', 'what a test has changed');
  };
  await commitAll(rollcall);
  await git(rollcall, 'clone', '-q', rollcall, team);
  symlinkSync(join(rollcall, 'node_modules'), join(team, 'node_modules'));
  t.match(await run(team, process.execPath, ['new/index.ts', 'blueprint', 'notes']), { code: 0 });
  await commitAll(team);
  writeFileSync(join(rollcall, 'accounts/news.ts'), '');
  await commitAll(rollcall);

  const page = readFileSync(join(team, 'docs/upgrading.md'), 'utf8');
  const [merging] = blocksOf(page).filter(({ language }) => language === 'sh');
  for (const line of merging?.text.trim().split('\n') ?? [])
    await git(team, ...line.replace('URL', rollcall).split(' ').slice(1));
  for (const file of ['accounts/news.ts', 'accounts/notes.ts'])
    t.ok(existsSync(join(team, file)), `${file} is there after the merge`);
});

test('The commands of docs/blueprints.md work, and its code is what is written', async (t) => {
  const folder = copyProject(t);
  const before = { 'db downgrade': async ({ server }: Reader) => void (await server?.stop()) };
  t.ok((await follow(t, 'docs/blueprints.md', { folder, before })) > 8);

  const written = ['accounts/notes.ts', 'routes/api/notes/index.ts']
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('');
  const page = readFileSync(join(folder, 'docs/blueprints.md'), 'utf8');
  const shown = blocksOf(page).filter(({ language, text }) => language === 'ts' && /Note/.test(text));
  t.equal(shown.length, 2);
  for (const { text } of shown) t.ok(written.includes(text), text);
});
