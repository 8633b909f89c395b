/** Reads whole tables of a MySQL database in one state, on a connection of its own: the server sends rows as they are needed. */
import type { Connection } from 'mysql2';
import { unsafeCast } from '../../schema/column-types.ts';
import type { TableReader } from '../engine.ts';
import { translateError } from './errors.ts';
import { Servers } from './servers.ts';

/** @throws {DatabaseUnavailableError} */
export async function readSnapshot<Result>(
  url: string,
  work: (readTable: TableReader) => Promise<Result>,
): Promise<Result> {
  const { connection } = await new Servers(url).open();
  // Only the connection beneath the promises has streams.
  const { connection: streaming } = unsafeCast<{ connection: Connection }>(connection);
  try {
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    return await work((table) => streaming.query(`SELECT * FROM \`${table}\``).stream());
  } catch (error) {
    throw translateError(error);
  } finally {
    connection.destroy();
  }
}
