/**
 * Data steps: what a migration does to rows that SQL can't do alike on both engines, such as folding case. The step of
 * NAME.sql is db/migrations/data-steps/NAME.ts, for both dialects. It runs after the statements of the way up, and before those of
 * the way down.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationConnection } from '../engines/engine.ts';
import { MigrationError } from './errors.ts';
import { DATA_STEP, type Direction, dataFolder, type Migration } from './migrations.ts';
import { listTables } from './other-tables.ts';
import type { Move } from './schema-state.ts';
import { inTransaction } from './transaction.ts';

/** What a data step works with. */
export interface DataConnection extends MigrationConnection {
  hasTable(name: string): Promise<boolean>;
}

/** What db/migrations/data-steps/NAME.ts exports. Each function may run again after it failed, and on rows that it has changed. */
interface DataStep {
  /**
   * Runs before the first statement of all that an upgrade or downgrade does. So tables and columns that an earlier pending
   * migration makes may be missing.
   * @returns one line for each reason to refuse.
   */
  findObstacles(connection: DataConnection, direction: Direction): Promise<string[]>;
  /** Both run in one transaction. */
  up(connection: DataConnection): Promise<void>;
  down(connection: DataConnection): Promise<void>;
}

function dataConnection({ engine, query, run }: Move): DataConnection {
  return { query, run, hasTable: async (name) => (await listTables(engine, query)).includes(name) };
}

function loadDataStep({ name }: Migration): Promise<DataStep> {
  return import(join(dataFolder(), `${name}.ts`));
}

/** @returns one sentence for each file of a data step that belongs to no migration. */
export function findStrayDataSteps(migrations: Migration[]): string[] {
  const known = new Set(migrations.map(({ name }) => `${name}.ts`));
  const files = existsSync(dataFolder()) ? readdirSync(dataFolder()) : [];
  return files
    .filter((file) => !known.has(file))
    .map((file) => `data-steps/${file} belongs to no migration.`);
}

/** @throws {MigrationError} when a data step of these migrations can't succeed. Nothing is changed then. */
export async function assertDataFits(move: Move, migrations: Migration[]): Promise<void> {
  const { direction } = move;
  for (const migration of migrations) {
    if (!migration[direction]?.includes(DATA_STEP)) continue;
    const { findObstacles } = await loadDataStep(migration);
    const obstacles = await findObstacles(dataConnection(move), direction);
    if (obstacles.length > 0)
      throw new MigrationError(
        `${migration.name} (${direction}) can't be run. Nothing was changed.\n${obstacles.join('\n')}`,
      );
  }
}

export async function runDataStep(move: Move, migration: Migration): Promise<void> {
  const { engine, run, direction } = move;
  const step = await loadDataStep(migration);
  await inTransaction(engine, run, () => step[direction](dataConnection(move)));
}
