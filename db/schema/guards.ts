/**
 * Guard rows: all changes of one kind write the same row, so that they run one after the other, also on two nodes of a
 * Galera cluster. Every change that can take all permissions (*) from a user writes the row `administrators`.
 */
import type { ColumnTypes } from './column-types.ts';

export const defineGuards = (t: ColumnTypes) =>
  t.table('guards', {
    name: t.string(32).primaryKey(),
    version: t.integer().notNull().default(0),
    /** Whether, before the latest change, any user who can sign in held all permissions (*). */
    held: t.flag().notNull().default(false),
  });
