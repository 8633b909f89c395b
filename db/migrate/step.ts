/** Runs one migration, and reports a failure with the statement, its file, what has taken effect, and how to resume. */
import { DatabaseUnavailableError, type Engine, type MigrationConnection } from '../engines/engine.ts';
import { fileNameOf, MigrationError, resumeCommand } from './errors.ts';
import type { Direction, Migration } from './migrations.ts';
import { createProgressStore } from './progress.ts';
import type { MoveOptions, SchemaState } from './schema-state.ts';

export interface Move {
  engine: Engine;
  connection: MigrationConnection;
  state: SchemaState;
  direction: Direction;
  options: MoveOptions;
}

/**
 * Runs the statements from the index `first` on, and then `end`, which marks the migration as applied or reverted.
 * @throws {MigrationError} when a statement fails or its outcome is unknown.
 */
export async function runMigration(
  move: Move,
  migration: Migration,
  first: number,
  end: string,
): Promise<void> {
  const { engine, connection, state, direction } = move;
  const progress = createProgressStore(engine, connection);
  const parts = migration[direction] ?? [];
  const file = fileNameOf(migration, direction);
  for (const [index, statement] of parts.entries()) {
    if (index < first) continue;
    const which = `Statement ${index + 1} of ${parts.length} in ${file}`;
    await explainFailure(
      `${which} was not begun`,
      progress.saveStatement(migration, direction, index, 'begun'),
    );
    try {
      await connection.run(statement);
    } catch (error) {
      const target = { name: migration.name, direction };
      const [redo, skip] = [resumeCommand(state, target, 'redo'), resumeCommand(state, target, 'skip')];
      if (error instanceof DatabaseUnavailableError)
        throw new MigrationError(
          `${which} was not answered: ${messageOf(error)}. Those before it have taken effect; look whether this one has: if so continue with ${skip}, else with ${redo}. The statement: ${statement}`,
        );
      // If this fails too, the record still says that the outcome is unknown.
      await progress.saveStatement(migration, direction, index, 'failed').catch(() => {});
      const effect =
        engine.dialect === 'sqlite'
          ? 'Nothing was changed.'
          : `The statements before it have taken effect and this one has not; fix the cause, then continue with ${redo}.`;
      throw new MigrationError(`${which} failed: ${messageOf(error)}. ${effect} The statement: ${statement}`);
    }
  }
  await explainFailure(`The end of ${file} was not recorded`, progress.complete(migration, direction, end));
}

async function explainFailure(consequence: string, saving: Promise<void>): Promise<void> {
  try {
    await saving;
  } catch (error) {
    throw new MigrationError(
      `${consequence}: ${messageOf(error)}. "npm run manage -- db current" shows the state and how to continue.`,
    );
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.+$/, '');
}
