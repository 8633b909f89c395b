/**
 * When a database must not be moved, or served from, and what the operator is told then: it is ahead of the code, a
 * migration stopped halfway, a step can't be taken or loses data. Each message ends with what to do.
 */
import { type Direction, type Migration, NEEDS_HAND } from './migrations.ts';
import { hashOf, type Progress } from './progress.ts';
import type { MoveOptions, SchemaState } from './schema-state.ts';

/** The database's schema is not the one that is needed; the message says what to do. */
export class MigrationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MigrationError';
  }
}

/** @returns the name of the file that leads in that direction. */
export function fileOf({ name }: Pick<Migration, 'name'>, direction: Direction): string {
  return `${name}${direction === 'down' ? '.down' : ''}.sql`;
}

/** @throws {MigrationError} when the database is ahead of the code, or stopped halfway and nobody has said how to go on. */
export function assertSafe(state: SchemaState, options: MoveOptions): void {
  const { unknown, applied, unfinished } = state;
  if (unknown > 0) {
    throw new MigrationError(
      `The database is ahead of the code: it has ${unknown} migrations that this version does not know, after ${applied.at(-1)?.name ?? 'none that it knows'}. Run the version of the code that made them; with that one it can also be brought back ("npm run manage -- db downgrade").`,
    );
  }
  if (unfinished && unfinished.state !== 'unchecked' && !options.unfinished) {
    throw new MigrationError(unfinishedMessage(state, unfinished));
  }
}

/** @throws {MigrationError} when the steps can't be taken, or lose data and nobody has agreed to that. */
export function refuseImpossible(
  direction: Direction,
  steps: Migration[],
  { acceptLoss }: MoveOptions,
): void {
  const oneWay = direction === 'down' && steps.find(({ down }) => down === undefined);
  if (oneWay)
    throw new MigrationError(`There is no ${oneWay.name}.down.sql that would take ${oneWay.name} back.`);
  const unwritten = steps.find(({ needsHand }) => needsHand.includes(direction));
  if (unwritten) {
    throw new MigrationError(
      `${fileOf(unwritten, direction)} can't be run as it is: see the line that begins with "${NEEDS_HAND}". Write what is missing, take that line out, and note the change with "npm run manage -- db check --accept".`,
    );
  }
  const lossy = steps.filter(({ losesData }) => losesData.includes(direction)).map(({ name }) => name);
  if (lossy.length > 0 && !acceptLoss) {
    throw new MigrationError(
      `Data is lost by ${lossy.join(', ')} (${direction}). Make a backup, and go on with "npm run manage -- db ${direction === 'up' ? 'upgrade' : 'downgrade TARGET'} --yes".`,
    );
  }
}

/**
 * @returns the index of the statement with which to go on.
 * @throws {MigrationError} when the file does not say any more what has been done to the database.
 */
export function resumeAt(
  { name, direction, statement, before, itself }: Progress,
  migration: Migration,
  options: MoveOptions,
): number {
  const parts = migration[direction] ?? [];
  const skip = options.unfinished === 'skip';
  const next = skip ? statement + 1 : statement;
  const same =
    statement < parts.length &&
    hashOf(parts.slice(0, statement)) === before &&
    (!skip || hashOf(parts.slice(statement, next)) === itself);
  if (same) return next;
  throw new MigrationError(
    `${fileOf({ name }, direction)} was edited since it stopped at its statement ${statement + 1}: ${next === 1 ? 'its first statement is' : `its first ${next} statements are`} not any more what was run on this database. Restore them as they were, then go on; what must change in them goes into another migration.`,
  );
}

/** @returns the command that goes on with what stopped halfway. */
export function resumeCommand(
  { migrations }: Pick<SchemaState, 'migrations'>,
  { name, direction }: Pick<Progress, 'name' | 'direction'>,
  how: 'redo' | 'skip',
): string {
  const lossy = migrations.find((each) => each.name === name)?.losesData.includes(direction);
  // What is being taken back is still counted as applied: it is the last one.
  const move = direction === 'up' ? 'upgrade' : 'downgrade -1';
  return `"npm run manage -- db ${move} --unfinished ${how}${lossy ? ' --yes' : ''}"`;
}

/** @returns where a migration stopped and how to go on. */
export function unfinishedMessage(state: Pick<SchemaState, 'migrations'>, progress: Progress): string {
  const { name, direction, statement } = progress;
  const stopped = `Migration ${name} (${direction}) stopped at its statement ${statement + 1}, which`;
  if (progress.state === 'unchecked') {
    return `Migration ${name} (${direction}) has been run, but whether every row still refers to one that is there has not been seen since. ${lookAgain(direction)}`;
  }
  return progress.state === 'failed'
    ? `${stopped} failed. Mend the cause and go on with ${resumeCommand(state, progress, 'redo')}, before anything else.`
    : `${stopped} was not answered. Look whether it took effect: if so go on with ${resumeCommand(state, progress, 'skip')}, else with ${resumeCommand(state, progress, 'redo')}, before anything else.`;
}

/** @returns what to do when rows may refer to nothing. */
export function lookAgain(direction: Direction): string {
  const command = direction === 'up' ? 'upgrade' : 'downgrade -0';
  return `Have that looked at again with "npm run manage -- db ${command}"; until then the service does not start.`;
}
