/**
 * Loads drizzle-orm by `require`: its packages re-export each other in circles, which Node links slowly as ES modules
 * (measured in docs/performance.md). Import types from drizzle-orm itself.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Core from 'drizzle-orm';
import type * as BetterSqlite3 from 'drizzle-orm/better-sqlite3';
import type * as MysqlCore from 'drizzle-orm/mysql-core';
import type * as Mysql2 from 'drizzle-orm/mysql2';
import type * as SqliteCore from 'drizzle-orm/sqlite-core';

// drizzle-kit loads this file as CommonJS, where import.meta is empty, and runs in the project's folder.
const require = createRequire(import.meta.url ?? join(process.cwd(), 'package.json'));

const core: typeof Core = require('drizzle-orm');

export const { and, or, not, eq, ne, gt, gte, lt, lte, inArray, isNull, isNotNull, notExists, notInArray } =
  core;
export const { asc, desc, sql, is, Column, getTableName, Param, Placeholder, SQL } = core;

// Nobody loads the modules of the other dialect. The builders have no connection: the engines run the queries (see statement.ts).
export const loadSqliteCore = (): typeof SqliteCore => require('drizzle-orm/sqlite-core');
export const loadSqliteBuilder = (): typeof BetterSqlite3.drizzle.mock =>
  require('drizzle-orm/better-sqlite3').drizzle.mock;
export const loadMysqlCore = (): typeof MysqlCore => require('drizzle-orm/mysql-core');
export const loadMysqlBuilder = (): typeof Mysql2.drizzle.mock => require('drizzle-orm/mysql2').drizzle.mock;
