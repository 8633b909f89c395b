/** Queries with a list of values. SQL has a placeholder for each value, so each length needs a statement. */
import type { Placeholder } from 'drizzle-orm';
import type { Values } from '../engines/statement.ts';
import { placeholder } from '../schema/column-types.ts';

/** Prepares the query for each count when it is first needed. */
export function preparedByCount<Query>(prepare: (count: number) => Query): (count: number) => Query {
  const prepared = new Map<number, Query>();
  return (count) => {
    const query = prepared.get(count) ?? prepare(count);
    prepared.set(count, query);
    return query;
  };
}

/** @returns the placeholders name0, name1 and so on. */
export function placeholders(name: string, count: number): Placeholder[] {
  return Array.from({ length: count }, (_, number) => placeholder(`${name}${number}`));
}

/** @returns the values for those placeholders. */
export function numbered(name: string, values: readonly unknown[]): Values {
  return Object.fromEntries(values.map((value, number) => [`${name}${number}`, value]));
}
