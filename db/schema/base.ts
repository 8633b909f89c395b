/** The columns that every thing with an id shares. */
import type { ColumnTypes } from './column-types.ts';

export const baseColumns = (t: ColumnTypes) => ({
  id: t.id(),
  /** Rises with each change, so that two editors can't overwrite each other. */
  version: t.integer().notNull().default(1),
  createdAt: t.instant().notNull(),
  updatedAt: t.instant().notNull(),
});

/**
 * Rises with each change that gives, takes or relies on the rights of this user or group, so that two such changes never
 * commit side by side. Unlike a lock, that also holds between two nodes of a Galera cluster.
 */
export const rightsVersion = (t: ColumnTypes) => t.integer().notNull().default(0);
