/** All tables, in the dialect of the column types. Each is written once. */
import { type ColumnTypes, unsafeCast } from './column-types.ts';
import { type CoreTables, defineCore } from './core.ts';
import * as parts from './parts.ts';

type Parts = typeof parts;
type PartTables = { [Name in keyof Parts]: ReturnType<Parts[Name]['define']> };

export type Tables = CoreTables & PartTables;

export function defineTables(t: ColumnTypes): Tables {
  const core = defineCore(t);
  const tables = Object.entries(parts).map(([name, { define }]) => [name, define(t, core)]);
  return { ...core, ...unsafeCast<PartTables>(Object.fromEntries(tables)) };
}
