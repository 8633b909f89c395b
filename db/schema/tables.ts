/** All tables, in the dialect of the column types. Each is written once. */
import { type ColumnTypes, unsafeCast } from './column-types.ts';
import { type CoreTables, defineCore } from './core.ts';
import type { Part } from './parts.ts';
import * as parts from './parts.ts';

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
