/** Reads through the pool of mysql2 itself, as a service without a pool of its own would. */
import mysql, { type RowDataPacket } from 'mysql2/promise';
import type { Reader } from '../db/engines/engine.ts';
import { compileStatement, makeRowMapper } from '../db/engines/statement.ts';

/** @param url of the database. @param size how many connections there are at most. */
export function readByDriverPool(url: string, size: number): Reader['readOne'] {
  const pool = mysql.createPool({ uri: url, connectionLimit: size, timezone: 'Z', supportBigNumbers: true });
  return (query) => {
    const { text, bind } = compileStatement(query);
    const toRow = makeRowMapper(query);
    return async (values) => {
      const [[row]] = await pool.query<RowDataPacket[][]>({ sql: text, rowsAsArray: true }, bind(values));
      return row && toRow(row);
    };
  };
}
