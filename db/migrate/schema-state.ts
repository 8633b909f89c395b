/** What those who move a database's schema tell each other: where it stands, and how it may be moved. */
import type { Direction, Migration } from './migrations.ts';
import type { Progress } from './progress.ts';

/** Where a database stands. */
export interface SchemaState {
  /** What the code knows, in order. */
  migrations: Migration[];
  applied: Migration[];
  pending: Migration[];
  /** The hashes of the applied migrations' files as they were then, by the time that names the migration. */
  hashes: Map<number, string>;
  /** How many migrations the database has that this code does not know: it is ahead. */
  unknown: number;
  /** A migration that failed or was killed halfway, or whose references are unchecked, where the engine can't undo it. */
  unfinished: Progress | undefined;
  /** Whether another process is migrating at this moment: what looks unfinished or pending is then its business. */
  migrating: boolean;
}

export interface MoveOptions {
  /** Whether steps that lose data are taken, too. */
  acceptLoss?: boolean;
  /** What becomes of the statement at which an earlier run was stopped without an answer: run it again, or go on after it. */
  unfinished?: 'redo' | 'skip';
  /** Told of each step that was taken. */
  onStep?: (direction: Direction, name: string) => void;
}
