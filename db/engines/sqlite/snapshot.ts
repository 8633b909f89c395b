/** Reads whole tables of an SQLite database in one state, on a connection of its own: each row is read when it is needed. */
import type { TableReader, TableRow } from '../engine.ts';
import { connect, retryWhileBusy } from './connection.ts';
import { translateError } from './errors.ts';

/** @throws {MissingDatabaseError} @throws {DatabaseUnavailableError} */
export async function readSnapshot<Result>(
  path: string,
  work: (readTable: TableReader) => Promise<Result>,
): Promise<Result> {
  const connection = await retryWhileBusy(() => connect(path, { create: false }));
  try {
    connection.exec('BEGIN');
    return await work((table) => connection.prepare<[], TableRow>(`SELECT * FROM \`${table}\``).iterate());
  } catch (error) {
    throw translateError(error);
  } finally {
    connection.close();
  }
}
