/** A process loads the modules of its own database alone: those of the other one would take memory in each worker. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'tap';
import { PROJECT_ROOT } from '../../config/project.ts';

const MODULES = {
  sqlite: ['better-sqlite3', 'drizzle-orm/better-sqlite3', 'drizzle-orm/sqlite-core'],
  mysql: ['drizzle-orm/mysql-core', 'drizzle-orm/mysql2', 'mysql2'],
};

/** Loads the service's code and opens the engine, which connects to no server yet, and prints the paths of all CommonJS modules. */
const PROGRAM = `
  import { createRequire } from 'node:module';
  import './app.ts';
  import { loadSettings } from './config/load.ts';
  import { openEngine } from './db/database.ts';
  await openEngine(loadSettings({ root: process.cwd(), environment: process.env }), { create: true });
  console.log(Object.keys(createRequire(process.cwd() + '/app.ts').cache).join('\\n'));
  process.exit();
`;

/** @returns which of the modules of both databases a process loads that serves with this one. */
async function loadedWith(url: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: PROJECT_ROOT,
    env: { DATABASE_URL: url },
  });
  return [...MODULES.sqlite, ...MODULES.mysql].filter((name) => stdout.includes(`/node_modules/${name}/`));
}

test('a process on SQLite loads nothing of MySQL', async (t) => {
  t.strictSame(await loadedWith(`sqlite:${join(t.testdir(), 'rollcall.db')}`), MODULES.sqlite);
});

test('a process on MySQL loads nothing of SQLite', async (t) => {
  t.strictSame(await loadedWith('mysql://nobody@127.0.0.1:1/rollcall'), MODULES.mysql);
});
