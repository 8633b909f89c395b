/**
 * Databases with the newest schema, for tests that do not care how it came there. The first of each engine is migrated, and the others
 * are copies of it as it was then, since to migrate takes longer than most tests do.
 */
import { writeFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import type { Test } from 'tap';
import { sqliteFile } from '../../config/database-url.ts';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';
import type { TestEngine } from './engines.ts';

type Copy = (url: string) => Promise<void>;

const copies = new Map<TestEngine, Promise<Copy>>();

/** @returns the DATABASE_URL of a new database with the newest schema that is removed when the test ends. */
export async function makeMigratedDatabase(t: Test, engine: TestEngine): Promise<string> {
  const url = await engine.makeDatabase(t);
  const copy = copies.get(engine);
  if (copy) {
    await (await copy)(url);
    return url;
  }
  const first = migrate(url);
  copies.set(engine, first);
  await first;
  return url;
}

/** Migrates the database. @returns what makes others like it. */
async function migrate(url: string): Promise<Copy> {
  const engine = await openEngine(
    loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } }),
    {
      create: true,
    },
  );
  await ensureSchema(engine, true);
  await engine.close();
  return sqliteFile(url) ? copyFile(url) : copyTables(url);
}

function copyFile(url: string): Copy {
  const file = new Sqlite(sqliteFile(url));
  const content = file.serialize();
  file.close();
  return async (to) => writeFileSync(sqliteFile(to) ?? '', content, { mode: 0o600 });
}

async function copyTables(url: string): Promise<Copy> {
  const connection = await mysql.createConnection(url);
  const query = async (text: string, ...values: unknown[]) =>
    (await connection.query<RowDataPacket[]>(text, values))[0];
  const statements = ['SET foreign_key_checks = 0'];
  for (const row of await query('SHOW TABLES')) {
    const [table] = Object.values(row);
    const [made] = await query('SHOW CREATE TABLE ??', table);
    statements.push(made?.['Create Table']);
    const rows = await connection.query<RowDataPacket[][]>({
      sql: 'SELECT * FROM ??',
      values: [table],
      rowsAsArray: true,
    });
    if (rows[0].length > 0) statements.push(mysql.format('INSERT INTO ?? VALUES ?', [table, rows[0]]));
  }
  await connection.end();
  return async (to) => {
    const other = await mysql.createConnection({ uri: to, multipleStatements: true });
    await other.query(statements.join(';'));
    await other.end();
  };
}
