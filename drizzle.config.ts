/**
 * What drizzle-kit reads. It takes the database from the same settings as the service, so that `npx drizzle-kit generate` makes the
 * migration of that engine and `npx drizzle-kit migrate` reaches that database.
 */
import { spawnSync } from 'node:child_process';
import { defineConfig } from 'drizzle-kit';
import { driverUrl } from './config/database-url.ts';
import { loadSettings } from './config/load.ts';

const { DATABASE_URL: url } = loadSettings({ root: process.cwd(), environment: process.env });

// drizzle-kit's own migrator takes no lock, and on SQLite it empties the tables that refer to one which is rebuilt. So ours does the
// work, and drizzle-kit finds nothing left to do. A process of its own, since drizzle-kit does not wait for what a configuration awaits.
if (commandOf(process.argv) === 'migrate') {
  const { status } = spawnSync(process.execPath, ['manage.ts', 'db', 'upgrade'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** @returns the command of drizzle-kit that this process runs. Other programs may read this file, too. */
function commandOf([, program = '', ...args]: string[]): string | undefined {
  if (!program.includes('drizzle-kit')) return undefined;
  const isOption = (arg = '') => arg.startsWith('-');
  // An option without = takes the next argument as its value.
  return args.find((arg, index) => {
    const before = args[index - 1];
    return !isOption(arg) && !(isOption(before) && !before?.includes('='));
  });
}

export default url.startsWith('sqlite:')
  ? defineConfig({
      dialect: 'sqlite',
      schema: './db/schema/for-drizzle-kit.cjs',
      out: './db/migrations/sqlite',
      casing: 'snake_case',
      dbCredentials: { url: url.slice('sqlite:'.length) },
    })
  : defineConfig({
      dialect: 'mysql',
      schema: './db/schema/for-drizzle-kit.cjs',
      out: './db/migrations/mysql',
      casing: 'snake_case',
      dbCredentials: { url: driverUrl(url) },
    });
