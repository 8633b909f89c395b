/** All tables, in the dialect of the column types. Each is written once. */
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type ColumnTypes, unsafeCast } from './column-types.ts';
import { type CoreTables, defineCore } from './core.ts';
import * as parts from './parts.ts';

/** What the file of a part's table exports. */
export interface Part {
  define: (t: ColumnTypes, core: CoreTables) => SQLiteTable;
  /** The names of its audit events, `as const`. */
  events: readonly string[];
  /** How long expired rows stay, in milliseconds. The table then has the columns `key` and `expiresAt`. Without it, they stay. */
  keepExpired?: number;
}

type Parts = typeof parts;
type PartTables = { [Name in keyof Parts]: ReturnType<Parts[Name]['define']> };

export type Tables = CoreTables & PartTables;

/** @throws {Error} when a part has the name of a table of the core. */
export function defineTables(t: ColumnTypes): Tables {
  const core = defineCore(t);
  const tables = Object.entries<Part>(parts).map(([name, { define }]) => {
    if (name in core)
      throw new Error(`db/schema/parts.ts has a part ${name}, which is a table of the core. Rename it.`);
    return [name, define(t, core)];
  });
  return { ...core, ...unsafeCast<PartTables>(Object.fromEntries(tables)) };
}
