/** Lets a database refuse one kind of write, so that tests see what becomes of the rest. */
import { query } from './database-content.ts';
import type { TestEngine } from './engines.ts';

const REFUSAL = {
  SQLite: "BEGIN SELECT RAISE(ABORT, 'not now'); END",
  MySQL: "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'",
};

/** @param write what is refused, such as "INSERT ON users". @returns a function that lets it be written again. */
export async function refuseWrites(
  { name }: TestEngine,
  databaseUrl: string,
  write: `${'INSERT' | 'UPDATE'} ON ${string}`,
): Promise<() => Promise<unknown>> {
  await query(databaseUrl, `CREATE TRIGGER refuse BEFORE ${write} ${REFUSAL[name]}`);
  return () => query(databaseUrl, 'DROP TRIGGER refuse');
}
