/** Refuses to migrate or serve an unsuitable database, with messages that tell the operator what to do. */
import { DATA_STEP, type Direction, givenNameOf, type Migration, NEEDS_HAND } from './migrations.ts';
import { hashStatements, type Progress } from './progress.ts';
import type { MoveOptions, SchemaState } from './schema-state.ts';

export class MigrationError extends Error {
  override name = 'MigrationError';
}

export function fileNameOf({ name }: Pick<Migration, 'name'>, direction: Direction): string {
  return `${name}${direction === 'down' ? '.down' : ''}.sql`;
}

/** @returns the count in words. */
export function countMigrations(count: number): string {
  return count === 1 ? 'a migration' : `${count} migrations`;
}

/** @returns what messages call a part of the migration: a statement of its file, by its number there, or its data step. */
export function partName(migration: Migration, direction: Direction, index: number): string {
  const parts = migration[direction] ?? [];
  if (parts[index] === DATA_STEP) return `the data step of ${migration.name} (${direction})`;
  const isStatement = (part: string) => part !== DATA_STEP;
  const [number, count] = [parts.slice(0, index + 1), parts].map((some) => some.filter(isStatement).length);
  return `statement ${number} of ${count} in ${fileNameOf(migration, direction)}`;
}

/** @returns the text of that statement, for the end of a message; nothing for a data step. */
export function statementText(migration: Migration, direction: Direction, index: number): string {
  const text = migration[direction]?.[index] ?? '';
  return text === DATA_STEP ? '' : ` The statement: ${text}`;
}

/** @throws {MigrationError} when the database is ahead, or unfinished and the options don't say how to resume. */
export function assertSafe(state: SchemaState, options: MoveOptions): void {
  const { unknown, applied, unfinished } = state;
  if (unknown > 0 && applied.length === 0)
    throw new MigrationError(
      `The database has ${countMigrations(unknown)} in its table __drizzle_migrations, and none is of this code: another program, which uses drizzle, too, or a later version has made them. Check DATABASE_URL; two programs can't share that table.`,
    );
  if (unknown > 0)
    throw new MigrationError(
      `The database is ahead of the code: it has ${countMigrations(unknown)} that this version does not know, after ${applied.at(-1)?.name ?? 'none that it knows'}. Run the version that made them, or first revert them with that version ("npm run manage -- db downgrade").`,
    );
  if (unfinished && unfinished.state !== 'unchecked' && !options.unfinished)
    throw new MigrationError(unfinishedMessage(state, unfinished));
}

/** @throws {MigrationError} when a step can't run, has no way down, or loses data and the options don't accept that. */
export function assertRunnable(direction: Direction, steps: Migration[], { acceptLoss }: MoveOptions): void {
  const oneWay = steps.find(({ down }) => down === undefined);
  if (oneWay)
    throw new MigrationError(
      `There is no ${oneWay.name}.down.sql that takes ${oneWay.name} back. Make it with "npm run manage -- db revision ${givenNameOf(oneWay)}".`,
    );
  const unwritten = steps.find(({ needsHand }) => needsHand.includes(direction));
  if (unwritten)
    throw new MigrationError(
      `${fileNameOf(unwritten, direction)} can't be run as it is: see the line that begins with "${NEEDS_HAND}". Write what is missing, remove that line, and accept the change with "npm run manage -- db check --accept".`,
    );
  const lossy = steps.filter(({ losesData }) => losesData.includes(direction)).map(({ name }) => name);
  if (lossy.length > 0 && !acceptLoss)
    throw new MigrationError(
      `Data is lost by ${lossy.join(', ')} (${direction}). Make a backup, and continue with "npm run manage -- db ${direction === 'up' ? 'upgrade' : 'downgrade TARGET'} --yes".`,
    );
}

/**
 * @returns the index of the statement to resume with.
 * @throws {MigrationError} when the statements that were run have been edited since.
 */
export function findResumeIndex(progress: Progress, migration: Migration, options: MoveOptions): number {
  const { direction, statement, before, itself } = progress;
  const parts = migration[direction] ?? [];
  const skip = options.unfinished === 'skip';
  const next = skip ? statement + 1 : statement;
  // Only all of it or nothing can have taken effect, and it may run again; nobody could see that it has not.
  if (skip && parts[statement] === DATA_STEP)
    throw new MigrationError(
      `There is no skipping ${partName(migration, direction, statement)}. Continue with ${resumeCommand(migration, direction, 'redo')}, whether or not it took effect.`,
    );
  const isUnedited =
    statement < parts.length &&
    hashStatements(parts.slice(0, statement)) === before &&
    (!skip || hashStatements(parts.slice(statement, next)) === itself);
  if (isUnedited) return next;
  throw new MigrationError(
    `${fileNameOf(progress, direction)} was edited since it stopped halfway: what was run on this database stands in it no more. Restore it and continue. Put further changes into another migration.`,
  );
}

/** @returns the command that resumes an unfinished migration. */
export function resumeCommand(migration: Migration, direction: Direction, how: 'redo' | 'skip'): string {
  const lossy = migration.losesData.includes(direction);
  return `"npm run manage -- db ${unfinishedMove(direction)} --unfinished ${how}${lossy ? ' --yes' : ''}"`;
}

/** An unfinished downgrade still counts as applied, so it is the last one. */
function unfinishedMove(direction: Direction): string {
  return direction === 'up' ? 'upgrade' : 'downgrade -1';
}

/** @returns how to continue after a part of the migration whose outcome is unknown. */
export function unansweredAdvice(migration: Migration, direction: Direction, index: number): string {
  const redo = resumeCommand(migration, direction, 'redo');
  const skip = resumeCommand(migration, direction, 'skip');
  if (migration[direction]?.[index] === DATA_STEP)
    return `Continue with ${redo}, whether or not it took effect, before anything else.`;
  return `Look whether it took effect: if so continue with ${skip}, else with ${redo}, before anything else.`;
}

/** @returns where a migration stopped and how to resume it. */
export function unfinishedMessage(state: Pick<SchemaState, 'migrations'>, progress: Progress): string {
  const { name, direction, statement } = progress;
  if (progress.state === 'unchecked')
    return `Migration ${name} (${direction}) has been run, but its foreign keys have not been checked since. ${recheckAdvice(direction)}`;
  const giveUp = `Or undo by hand what its statements have changed, and give it up with "npm run manage -- db ${unfinishedMove(direction)} --unfinished give-up".`;
  const migration = state.migrations.find((each) => each.name === name);
  if (!migration)
    return `Migration ${name} (${direction}) of another version stopped halfway. Continue with the version that has it. ${giveUp}`;
  const stopped = `Migration ${name} (${direction}) stopped at ${partName(migration, direction, statement)}, which`;
  if (progress.state === 'failed')
    return `${stopped} failed. Fix the cause and continue with ${resumeCommand(migration, direction, 'redo')}, before anything else. ${giveUp}`;
  const advice = unansweredAdvice(migration, direction, statement);
  return `${stopped} was not answered. ${advice} ${giveUp}${statementText(migration, direction, statement)}`;
}

/** @returns what to do about references that may dangle. */
export function recheckAdvice(direction: Direction): string {
  const command = direction === 'up' ? 'upgrade' : 'downgrade -0';
  return `Check them again with "npm run manage -- db ${command}"; until then the service does not start.`;
}
