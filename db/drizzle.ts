/**
 * drizzle-orm, loaded by `require`. Its packages re-export each other in circles, which as ES modules take Node 24
 * 0.9 s and 250 MB to link, and as CommonJS 0.15 s and 20 MB. Types are imported from drizzle-orm itself.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Core from 'drizzle-orm';
import type * as BetterSqlite3 from 'drizzle-orm/better-sqlite3';
import type * as MysqlCore from 'drizzle-orm/mysql-core';
import type * as Mysql2 from 'drizzle-orm/mysql2';
import type * as SqliteCore from 'drizzle-orm/sqlite-core';

// drizzle-kit reads this as CommonJS, in which import.meta is empty; it runs in the project's folder.
const require = createRequire(import.meta.url ?? join(process.cwd(), 'package.json'));

const core: typeof Core = require('drizzle-orm');
const betterSqlite3: typeof BetterSqlite3 = require('drizzle-orm/better-sqlite3');

export const {
  and,
  asc,
  Column,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  is,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  not,
  notExists,
  or,
  Param,
  Placeholder,
  SQL,
  sql,
} = core;
/** Builds queries for SQLite, with no connection: what is built is run by the engine (see statement.ts). */
export const sqliteBuilder = betterSqlite3.drizzle.mock;
export const sqliteCore: typeof SqliteCore = require('drizzle-orm/sqlite-core');

/** @returns what defines MySQL's tables, which only those load who use it. */
export function loadMysqlCore(): typeof MysqlCore {
  return require('drizzle-orm/mysql-core');
}

/** @returns what builds queries for MySQL, for the same ones. */
export function loadMysqlBuilder(): typeof Mysql2.drizzle.mock {
  const mysql2: typeof Mysql2 = require('drizzle-orm/mysql2');
  return mysql2.drizzle.mock;
}
