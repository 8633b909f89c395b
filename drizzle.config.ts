/**
 * What drizzle-kit reads. It takes the database from the same settings as the service, so that `npx drizzle-kit generate` makes the
 * migration of that engine and `npx drizzle-kit migrate` reaches that database.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { defineConfig } from 'drizzle-kit';
import { databaseServers, sqliteFile } from './config/database-url.ts';
import { loadSettings } from './config/load.ts';

const { DATABASE_URL: url } = loadSettings({ root: process.cwd(), environment: process.env });

// Other programs may read this file, too. An option of drizzle-kit takes the next argument as its value.
const isDrizzleKit = process.argv[1]?.includes('drizzle-kit');
const { positionals } = parseArgs({
  args: process.argv.slice(2),
  options: { config: { type: 'string' }, name: { type: 'string' } },
  strict: false,
});

// drizzle-kit's own migrator takes no lock, and on SQLite it empties the tables that refer to one which is rebuilt. So ours does the
// work, and drizzle-kit finds nothing left to do. A process of its own, since drizzle-kit does not wait for what a configuration awaits.
if (isDrizzleKit && positionals[0] === 'migrate') {
  const { status } = spawnSync(process.execPath, ['manage.ts', 'db', 'upgrade'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const file = sqliteFile(url);
const dialect = file ? 'sqlite' : 'mysql';

export default defineConfig({
  dialect,
  schema: './db/schema/for-drizzle-kit.cjs',
  out: `./db/migrations/${dialect}`,
  casing: 'snake_case',
  // Of several servers the first one, since drizzle-kit knows no list.
  dbCredentials: { url: file ?? databaseServers(url)[0].url },
});
