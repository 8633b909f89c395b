/**
 * Rows that changes of one kind all write, so that they happen one after the other, also on two nodes of a Galera cluster.
 * `administrators` is written by whatever can take every permission (*) from a user.
 */
import type { ColumnTypes } from './column-types.ts';

export const defineGuards = (t: ColumnTypes) =>
  t.table('guards', {
    name: t.string(32).primaryKey(),
    version: t.integer().notNull().default(0),
    /** Whether, before the newest change, any user who can sign in held every permission. */
    held: t.flag().notNull().default(false),
  });
