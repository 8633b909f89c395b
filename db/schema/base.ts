/** The columns that every thing with an id shares. */
import type { Vocabulary } from '../vocabulary.ts';

export const baseColumns = (v: Vocabulary) => ({
  id: v.id(),
  /** Rises with each change, so that two editors can't overwrite each other. */
  version: v.integer().notNull().default(1),
  createdAt: v.instant().notNull(),
  updatedAt: v.instant().notNull(),
});
