/** The types that the migrator, its messages and its callers share. */
import type { Engine, MigrationConnection } from '../engines/engine.ts';
import type { Direction, Migration } from './migrations.ts';
import type { Progress, ProgressStore } from './progress.ts';

export interface SchemaState {
  /** All migrations of the code, in order. */
  migrations: Migration[];
  applied: Migration[];
  pending: Migration[];
  /** The files' hashes at the time they were applied, by the migrations' `when`. */
  hashes: Map<number, string>;
  /** The number of applied migrations that the code lacks. The database is then ahead of the code. */
  unknown: number;
  /** The migration that stopped halfway or whose references are unchecked (MySQL only). */
  unfinished: Progress | undefined;
  /** Whether another process is migrating now. It may be about to apply what is pending or unfinished. */
  migrating: boolean;
}

export interface MoveOptions {
  /** Whether to run steps that lose data. */
  acceptLoss?: boolean;
  /** Whether to rerun or skip the statement at which an earlier run stopped, or to forget that run and do nothing else. */
  unfinished?: 'redo' | 'skip' | 'give-up';
  /** Whether to migrate although the database has tables of another program. */
  besideOtherTables?: boolean;
  onStep?: (direction: Direction, name: string) => void;
}

export interface Move extends MigrationConnection {
  engine: Engine;
  progress: ProgressStore;
  state: SchemaState;
  direction: Direction;
  options: MoveOptions;
  /** The migrations that this run has applied or reverted so far. */
  completed: Migration[];
}
