/**
 * What drizzle-kit reads. It takes the database from the same settings as the service, so that `npx drizzle-kit
 * generate` makes the migration of that engine and `npx drizzle-kit migrate` reaches that database.
 */
import { defineConfig } from 'drizzle-kit';
import { driverUrl } from './config/database-url.ts';
import { loadSettings } from './config/load.ts';

const { DATABASE_URL: url } = loadSettings({ root: process.cwd(), environment: process.env });

export default url.startsWith('sqlite:')
  ? defineConfig({
      dialect: 'sqlite',
      schema: './db/schema/index.sqlite.ts',
      out: './db/migrations/sqlite',
      casing: 'snake_case',
      dbCredentials: { url: url.slice('sqlite:'.length) },
    })
  : defineConfig({
      dialect: 'mysql',
      schema: './db/schema/index.mysql.ts',
      out: './db/migrations/mysql',
      casing: 'snake_case',
      dbCredentials: { url: driverUrl(url) },
    });
