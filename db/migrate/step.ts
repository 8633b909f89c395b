/** Runs one migration, and reports a failure with the statement, its file, what has taken effect, and how to resume. */
import { reasonOf } from '../../config/errors.ts';
import { DatabaseUnavailableError } from '../engines/engine.ts';
import { runDataStep } from './data.ts';
import {
  fileNameOf,
  MigrationError,
  partName,
  resumeCommand,
  statementText,
  unansweredAdvice,
} from './errors.ts';
import { DATA_STEP, type Migration, tablesOf } from './migrations.ts';
import type { Move } from './schema-state.ts';

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
  const { progress, direction } = move;
  const parts = migration[direction] ?? [];
  for (const [index, statement] of parts.entries()) {
    if (index < first) continue;
    const which = capitalized(partName(migration, direction, index));
    const text = statementText(migration, direction, index);
    await explainFailure(
      `${which} was not begun`,
      progress.saveStatement(migration, direction, index, 'begun'),
    );
    try {
      if (statement === DATA_STEP) await runDataStep(move, migration);
      else await move.run(statement);
    } catch (error) {
      const isUnanswered = error instanceof DatabaseUnavailableError;
      // One that is redone may be refused because it took effect before its migrator was killed. The record goes on to say that this is unknown.
      if (isUnanswered || isRedone(move, migration, index))
        throw new MigrationError(
          `${which} ${isUnanswered ? 'was not answered' : 'failed'}: ${messageOf(error)}. ${unansweredAdvice(migration, direction, index)}${text}`,
        );
      // If recording fails too, the record still says that the outcome is unknown.
      if (index === 0) await recordUnbegun(move).catch(() => {});
      else await progress.saveStatement(migration, direction, index, 'failed').catch(() => {});
      throw new MigrationError(
        `${which} failed: ${messageOf(error)}. ${effectOf(move, migration, index)}${text}`,
      );
    }
  }
  await explainFailure(
    `The end of ${fileNameOf(migration, direction)} was not recorded`,
    progress.complete(migration, direction, end),
  );
}

/** @returns one message for each foreign key of Rollcall's tables with dangling references. */
export function findBroken({ engine, query, state }: Move): Promise<string[]> {
  return engine.brokenReferences(query, tablesOf(state.migrations));
}

/** @returns whether an earlier run has begun the statement, and its outcome is unknown. */
function isRedone({ state: { unfinished } }: Move, { name }: Migration, index: number): boolean {
  return unfinished?.state === 'begun' && unfinished.name === name && unfinished.statement === index;
}

/**
 * Records that nothing of the migration has taken effect, because its first statement was refused. It would otherwise keep the earlier
 * version from starting. Migrations that were completed before it may have broken references, so these are checked now.
 */
async function recordUnbegun(move: Move): Promise<void> {
  const { progress, state, direction, completed } = move;
  const last = completed.at(-1) ?? (state.unfinished ? state.applied.at(-1) : undefined);
  if (last) {
    await progress.saveUnchecked(last.name, direction);
    if ((await findBroken(move)).length > 0) return;
  }
  await progress.clear();
}

/** @returns what a refused statement leaves, and how to continue. */
function effectOf({ engine, direction }: Move, migration: Migration, index: number): string {
  if (engine.dialect === 'sqlite') return 'Nothing was changed.';
  if (index > 0)
    return `The statements before it have taken effect and this one has not; fix the cause, then continue with ${resumeCommand(migration, direction, 'redo')}.`;
  const still = direction === 'up' ? 'is still pending' : 'is still applied';
  return `Nothing of ${migration.name} has taken effect, and it ${still}; fix the cause, then run the command again.`;
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

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function messageOf(error: unknown): string {
  return reasonOf(error).replace(/\.+$/, '');
}
