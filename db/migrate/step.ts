/**
 * One migration, statement by statement, with what the operator has to know when one of them does not succeed: which it
 * was, in which file, what holds now, and the command that goes on from there.
 */
import { DatabaseUnavailableError, type Engine, type MigrationConnection } from '../engines/engine.ts';
import { fileOf, MigrationError, resumeCommand } from './errors.ts';
import type { Direction, Migration } from './migrations.ts';
import { progressOf } from './progress.ts';
import type { SchemaState } from './schema-state.ts';

/**
 * Runs one migration's statements from that index on, and then the statement that notes its end.
 * @throws {MigrationError} when one of them fails or is not answered; it says which, what holds and how to go on.
 */
export async function take(
  engine: Engine,
  connection: MigrationConnection,
  state: SchemaState,
  migration: Migration,
  direction: Direction,
  first: number,
  end: string,
): Promise<void> {
  const progress = progressOf(engine, connection);
  const step = { name: migration.name, direction };
  const parts = migration[direction] ?? [];
  for (const [index, statement] of parts.entries()) {
    if (index < first) continue;
    const which = `Statement ${index + 1} of ${parts.length} in ${fileOf(migration, direction)}`;
    await noted(`${which} was not begun`, progress.write(step, parts, index, false));
    try {
      await connection.run(statement);
    } catch (error) {
      const [redo, skip] = [resumeCommand(state, step, 'redo'), resumeCommand(state, step, 'skip')];
      if (error instanceof DatabaseUnavailableError) {
        throw new MigrationError(
          `${which} was not answered: ${reasonOf(error)}. Those before it have taken effect; look whether this one has: if so go on with ${skip}, else with ${redo}. The statement: ${statement}`,
        );
      }
      // If that can't be noted, it stays with what was noted before: that nobody knows.
      await progress.write(step, parts, index, true).catch(() => {});
      const then =
        engine.dialect === 'sqlite'
          ? 'Nothing was changed.'
          : `The statements before it have taken effect and this one has not; mend the cause, then go on with ${redo}.`;
      throw new MigrationError(`${which} failed: ${reasonOf(error)}. ${then} The statement: ${statement}`);
    }
  }
  await noted(`The end of ${fileOf(migration, direction)} was not noted`, progress.finish(step, end));
}

/** @throws {MigrationError} that says what was not done, when something can't be noted. */
async function noted(what: string, noting: Promise<void>): Promise<void> {
  try {
    await noting;
  } catch (error) {
    throw new MigrationError(
      `${what}: ${reasonOf(error)}. "npm run manage -- db current" tells where it stands and how to go on.`,
    );
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.+$/, '');
}
