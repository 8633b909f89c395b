/** The columns that users and groups share. */
import type { ColumnTypes } from './column-types.ts';

export const baseColumns = (t: ColumnTypes) => ({
  id: t.id(),
  /** Rises with each change: optimistic locking, and the ETag. */
  version: t.integer().notNull().default(1),
  createdAt: t.instant().notNull(),
  updatedAt: t.instant().notNull(),
});

/**
 * Rises with each change that grants, revokes or relies on the rights of this user or group, so that two such changes
 * never commit concurrently. A lock does not ensure that between two nodes of a Galera cluster.
 */
export const rightsVersion = (t: ColumnTypes) => t.integer().notNull().default(0);
