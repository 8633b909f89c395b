/**
 * How far a migration has come, where the engine can't undo one that stops halfway: on MySQL each change of the schema
 * commits by itself. Before each statement it is written down which one it is, and what those before it were, so that a
 * later run knows where to go on, and whether the file still says what has been done.
 */
import { createHash } from 'node:crypto';
import type { Engine, MigrationConnection, Query } from '../engines/engine.ts';
import type { Direction } from './migrations.ts';

export interface Progress {
  name: string;
  direction: Direction;
  /** The index of the statement that was begun last. */
  statement: number;
  /**
   * begun: it is not known whether that statement took effect; failed: the server refused it; unchecked: all have taken
   * effect, but it has not been seen yet that every row refers to one that is there.
   */
  state: 'begun' | 'failed' | 'unchecked';
  /** What the statements before that one were, and that one itself (see `hashOf`). */
  before: string;
  itself: string;
}

interface ProgressKeeper {
  /** Makes the place for it, before the first of several migrations. */
  begin(): Promise<void>;
  /** Notes that the statement of that index is about to be run, or has failed. */
  write(
    migration: Pick<Progress, 'name' | 'direction'>,
    parts: string[],
    index: number,
    failed: boolean,
  ): Promise<void>;
  /** Runs the statement that notes the end of the migration, and notes at once that its references are unchecked. */
  finish(migration: Pick<Progress, 'name' | 'direction'>, statement: string): Promise<void>;
  /** Notes that every row refers to one that is there. */
  forget(): Promise<void>;
}

const TABLE = '__rollcall_unfinished';

/** @returns what keeps the progress on that engine. */
export function progressOf({ dialect }: Engine, { query, run }: MigrationConnection): ProgressKeeper {
  // SQLite undoes the whole transaction, the migrations before it included.
  if (dialect === 'sqlite') {
    const nothing = async () => {};
    return {
      begin: nothing,
      write: nothing,
      finish: (_migration, statement) => run(statement),
      forget: nothing,
    };
  }
  const replace = async ({ name, direction, statement, state, before, itself }: Progress) => {
    await run(`DELETE FROM ${TABLE}`);
    await run(
      `INSERT INTO ${TABLE} VALUES ('${name}', '${direction}', ${statement}, '${state}', '${before}', '${itself}')`,
    );
  };
  return {
    async begin() {
      // A table that an earlier version of the service made lacks columns; it is empty here.
      const columns = await query(
        `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${TABLE}'`,
      );
      if (columns.length > 0 && !columns.some(({ name }) => name === 'hash_itself'))
        await run(`DROP TABLE ${TABLE}`);
      await run(
        `CREATE TABLE IF NOT EXISTS ${TABLE} (name varchar(255) NOT NULL PRIMARY KEY, direction varchar(4) NOT NULL,
         statement int NOT NULL, state varchar(9) NOT NULL, hash_before char(64) NOT NULL, hash_itself char(64) NOT NULL)`,
      );
    },
    async write(migration, parts, index, failed) {
      await run('START TRANSACTION');
      await replace({
        name: migration.name,
        direction: migration.direction,
        statement: index,
        state: failed ? 'failed' : 'begun',
        before: hashOf(parts.slice(0, index)),
        itself: hashOf(parts.slice(index, index + 1)),
      });
      await run('COMMIT');
    },
    async finish({ name, direction }, statement) {
      await run('START TRANSACTION');
      await run(statement);
      await replace({ name, direction, statement: 0, state: 'unchecked', before: '', itself: '' });
      await run('COMMIT');
    },
    forget: () => run(`DELETE FROM ${TABLE}`),
  };
}

/** @returns the SHA-256 of statements in that order, in hexadecimal. */
export function hashOf(statements: string[]): string {
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex');
}

/** @returns how far a migration came that did not end, if there is one. */
export async function readProgress(engine: Engine, query: Query): Promise<Progress | undefined> {
  if (engine.dialect === 'sqlite' || !(await hasTable(engine, query, TABLE))) return undefined;
  const [row] = await query(`SELECT * FROM ${TABLE}`);
  if (!row) return undefined;
  return {
    name: String(row.name),
    direction: row.direction === 'down' ? 'down' : 'up',
    statement: Number(row.statement),
    state: row.state === 'failed' || row.state === 'unchecked' ? row.state : 'begun',
    before: String(row.hash_before),
    itself: String(row.hash_itself),
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
