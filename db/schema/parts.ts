/**
 * The tables of what stands on the core: a line for each, under a name of its own. A blueprint that nothing else uses is left out by
 * deleting its files and its line here.
 */
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { ColumnTypes } from './column-types.ts';
import type { CoreTables } from './core.ts';

/** What the file of a part's table exports. */
export interface Part {
  define: (t: ColumnTypes, core: CoreTables) => SQLiteTable;
  /** The names of its audit events, `as const`. */
  events: readonly string[];
  /** How long expired rows stay, in milliseconds. The table then has the columns `key` and `expiresAt`. Without it, they stay. */
  keepExpired?: number;
}

export * as tokens from './tokens.ts';
