/**
 * How far a migration has come, where the engine can't undo one that stops halfway: on MySQL each change of the schema
 * commits by itself. Before each statement it is written down which one it is, so that a later run knows where to go on.
 */
import type { Engine, MigrationConnection, Query } from './engine.ts';
import type { Direction } from './migrations.ts';

export interface Progress {
  name: string;
  direction: Direction;
  /** The index of the statement that was begun last. */
  statement: number;
  /** Whether the server refused it; otherwise it is not known whether it took effect. */
  failed: boolean;
}

interface ProgressKeeper {
  write(progress: Progress): Promise<void>;
  /** Runs the statement that notes the end of the migration, and forgets how far it had come, at once. */
  finish(statement: string): Promise<void>;
  /** What holds after a statement has failed, for the reader. */
  afterFailure: string;
}

const TABLE = '__rollcall_unfinished';

/** @returns what keeps the progress on that engine. */
export function progressOf({ dialect }: Engine, { query, run }: MigrationConnection): ProgressKeeper {
  // SQLite undoes the whole transaction, the migrations before it included.
  if (dialect === 'sqlite') {
    return { write: async () => {}, finish: run, afterFailure: 'Nothing was changed.' };
  }
  return {
    async write({ name, direction, statement, failed }) {
      await run(
        `CREATE TABLE IF NOT EXISTS ${TABLE} (name varchar(255) NOT NULL, direction varchar(4) NOT NULL, statement int NOT NULL, failed boolean NOT NULL)`,
      );
      await run('START TRANSACTION');
      await run(`DELETE FROM ${TABLE}`);
      await run(`INSERT INTO ${TABLE} VALUES ('${name}', '${direction}', ${statement}, ${failed})`);
      await run('COMMIT');
    },
    async finish(statement) {
      await run('START TRANSACTION');
      await run(statement);
      if (await hasTable({ dialect }, query, TABLE)) await run(`DELETE FROM ${TABLE}`);
      await run('COMMIT');
    },
    afterFailure:
      'The statements before it have taken effect and this one has not; mend the cause, then go on with --unfinished redo.',
  };
}

/** @returns how far a migration came that did not end, if there is one. */
export async function readProgress(engine: Engine, query: Query): Promise<Progress | undefined> {
  if (engine.dialect === 'sqlite' || !(await hasTable(engine, query, TABLE))) return undefined;
  const [row] = await query(`SELECT name, direction, statement, failed FROM ${TABLE}`);
  if (!row) return undefined;
  return {
    name: String(row.name),
    direction: row.direction === 'down' ? 'down' : 'up',
    statement: Number(row.statement),
    failed: Number(row.failed) === 1,
  };
}

/** @returns whether the database has a table of that name. */
export async function hasTable(
  { dialect }: Pick<Engine, 'dialect'>,
  query: Query,
  name: string,
): Promise<boolean> {
  const found =
    dialect === 'sqlite'
      ? await query(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '${name}'`)
      : await query(
          `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${name}'`,
        );
  return found.length > 0;
}
