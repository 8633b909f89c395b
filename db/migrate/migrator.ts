/**
 * Migrates a database up and down. drizzle-kit's own migrator has no way down, takes no lock, and on SQLite rebuilds
 * tables with foreign keys on, which silently empties the tables that refer to them.
 */
import type { Engine, Query } from '../engines/engine.ts';
import { assertDataFits } from './data.ts';
import {
  assertRunnable,
  assertSafe,
  countMigrations,
  findResumeIndex,
  MigrationError,
  recheckAdvice,
  unfinishedMessage,
} from './errors.ts';
import { assertFilesThere } from './hashes.ts';
import { findLostIndexes } from './lost-indexes.ts';
import { type Direction, type Migration, readMigrations } from './migrations.ts';
import { assertOwnDatabase } from './other-tables.ts';
import { createProgressStore, readProgress, readTable } from './progress.ts';
import type { Move, MoveOptions, SchemaState } from './schema-state.ts';
import { findBroken, runMigration } from './step.ts';
import { stepsDown, stepsUp } from './targets.ts';

const TABLE = '__drizzle_migrations';

// The same table as that of drizzle-kit's own migrator, so that either can continue after the other.
const CREATE_TABLE = {
  sqlite: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
  mysql: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
};

/** Takes no lock and changes nothing. */
export async function inspect(engine: Engine): Promise<SchemaState> {
  const state = await readState(engine, engine.query);
  if (state.pending.length === 0 && !state.unfinished) return state;
  if (await engine.isMigrating()) return { ...state, migrating: true };
  // Another process may have migrated between the two queries above.
  return readState(engine, engine.query);
}

/**
 * Applies the pending migrations up to and including the target. Processes take turns; later ones find nothing to do.
 * @param target see `stepsUp`; the newest migration by default.
 * @throws {MigrationError} when the database is ahead or unfinished, a step loses data, or a statement fails.
 */
export function upgrade(engine: Engine, target?: string, options: MoveOptions = {}): Promise<void> {
  return migrate(engine, 'up', options, (state) => stepsUp(state, target));
}

/**
 * Reverts the migrations after the target.
 * @param target see `stepsDown`.
 * @throws {MigrationError} as `upgrade`, and when a step can't be reverted.
 */
export function downgrade(engine: Engine, target: string, options: MoveOptions = {}): Promise<void> {
  return migrate(engine, 'down', options, (state) => stepsDown(state, target));
}

async function migrate(
  engine: Engine,
  direction: Direction,
  options: MoveOptions,
  selectSteps: (state: SchemaState) => Migration[],
): Promise<void> {
  const completed: Migration[] = [];
  const isOwn = await engine.withMigrationLock(async (connection) => {
    const state = await readState(engine, connection.query);
    assertSafe(state, options);
    const progress = createProgressStore(engine, connection);
    const move: Move = { ...connection, engine, progress, state, direction, options, completed };
    if (options.unfinished === 'give-up') {
      await giveUp(move);
      return false;
    }
    const steps = selectSteps(state);
    await assertOwnDatabase(move, steps);
    await runSteps(move, steps);
    return direction === 'up' && steps.length > 0;
  });
  if (isOwn) await engine.useWriteAheadLog();
  // On SQLite, a later step that fails rolls all steps back, so they are reported after the last.
  if (engine.dialect === 'sqlite') for (const { name } of completed) options.onStep?.(direction, name);
}

/**
 * Migrates the database when the service starts, or only checks it if `autoMigrate` is false.
 * @returns the names of the migrations that it applied.
 * @throws {MigrationError} when the database does not match the code.
 */
export async function ensureSchema(engine: Engine, autoMigrate: boolean): Promise<string[]> {
  const applied: string[] = [];
  const state = await inspect(engine);
  const [next] = state.pending;
  if (!next && !state.unfinished && state.unknown === 0) {
    await engine.useWriteAheadLog();
    return applied;
  }
  if (autoMigrate) {
    // The upgrade waits for other processes first, whose work may look unfinished here.
    await upgrade(engine, undefined, { onStep: (_direction, name) => applied.push(name) });
    return applied;
  }
  if (state.migrating)
    throw new MigrationError(
      'Another process is migrating the database. Wait until it has ended, and start again.',
    );
  assertSafe(state, {});
  if (state.unfinished) throw new MigrationError(unfinishedMessage(state, state.unfinished));
  await assertOwnDatabase(
    { engine, query: engine.query, state, direction: 'up', options: {} },
    state.pending,
  );
  throw new MigrationError(
    `The database is behind the code by ${countMigrations(state.pending.length)}, the first being ${next?.name}. Bring it up to date with "npm run manage -- db upgrade".`,
  );
}

/**
 * @returns a cheap check of whether the database has all migrations of the code, whole. It may have further ones, which a newer version has
 * applied, or is applying, while this one runs: what they take away fails where it is needed. One that stopped halfway is as wrong as for a start.
 */
export function watchSchema(engine: Engine): () => Promise<boolean> {
  const migrations = readMigrations(engine.dialect);
  const known = migrations.map(({ when }) => when).join(', ');
  return async () => {
    const [row] = await readTable(
      engine.query,
      `SELECT count(*) AS applied FROM ${TABLE} WHERE created_at IN (${known})`,
    );
    if (Number(row?.applied) !== migrations.length) return false;
    const unfinished = await readProgress(engine, engine.query);
    if (!unfinished) return true;
    // One of a newer version, which is at work on it.
    return !migrations.some(({ name }) => name === unfinished.name) && engine.isMigrating();
  };
}

async function readState(engine: Engine, query: Query): Promise<SchemaState> {
  const rows = await readTable(query, `SELECT hash, created_at FROM ${TABLE}`);
  const hashes = new Map(rows.map((row) => [Number(row.created_at), String(row.hash)]));
  const migrations = readMigrations(engine.dialect);
  const applied = migrations.filter(({ when }) => hashes.has(when));
  return {
    migrations,
    applied,
    pending: migrations.filter(({ when }) => !hashes.has(when)),
    hashes,
    unknown: hashes.size - applied.length,
    unfinished: await readProgress(engine, query),
    migrating: false,
  };
}

async function runSteps(move: Move, steps: Migration[]): Promise<void> {
  const { engine, progress, state, direction, options } = move;
  const { unfinished } = state;
  const isUnchecked = unfinished?.state === 'unchecked';
  const stopped = isUnchecked ? undefined : unfinished;
  const [next] = steps;
  if (stopped && (stopped.direction !== direction || stopped.name !== next?.name))
    throw new MigrationError(unfinishedMessage(state, stopped));
  // A database that has nothing yet loses nothing.
  assertRunnable(direction, steps, {
    ...options,
    acceptLoss: options.acceptLoss || state.applied.length === 0,
  });
  assertFilesThere(engine.dialect, steps);
  assertIndexesKept(move, steps);
  let first = stopped && next ? findResumeIndex(stopped, next, options) : 0;
  await assertDataFits(move, first > 0 ? steps.slice(1) : steps);

  const checkReferences = async (moved: Direction) => {
    const broken = await findBroken(move);
    if (broken.length > 0) throw new MigrationError(brokenMessage(engine, broken, moved));
    await progress.clear();
  };
  // A downgrade may repair the references, so it is not refused.
  if (unfinished && isUnchecked && (direction === 'up' || !next)) await checkReferences(unfinished.direction);
  if (!next) return;
  if (!unfinished) await progress.createTable();
  await move.run(CREATE_TABLE[engine.dialect]);
  for (const migration of steps) {
    const end =
      direction === 'up'
        ? `INSERT INTO ${TABLE} (hash, created_at) VALUES ('${migration.hash}', ${migration.when})`
        : `DELETE FROM ${TABLE} WHERE created_at = ${migration.when}`;
    await runMigration(move, migration, first, end);
    first = 0;
    move.completed.push(migration);
    // On SQLite nothing is so before the end: `migrate` reports it then.
    if (engine.dialect === 'mysql') options.onStep?.(direction, migration.name);
  }
  await checkReferences(direction);
}

/** Forgets a migration that stopped halfway, whose effects the operator has undone by hand. */
async function giveUp(move: Move): Promise<void> {
  const { unfinished } = move.state;
  if (!unfinished || unfinished.state === 'unchecked')
    throw new MigrationError('There is no unfinished migration to give up.');
  const broken = await findBroken(move);
  if (broken.length > 0)
    throw new MigrationError(
      `Foreign keys are broken: ${broken.join(' ')} Repair these rows, then give it up.`,
    );
  await move.progress.clear();
}

/** @throws {MigrationError} when the steps take away an index that a foreign key needs. */
function assertIndexesKept({ engine, state: { migrations }, direction }: Move, steps: Migration[]): void {
  const passed = steps.flatMap((step) => {
    const number = migrations.indexOf(step);
    return direction === 'up' ? [number - 1, number] : [number, number - 1];
  });
  const lost = findLostIndexes(engine.dialect, passed);
  if (lost.length > 0) throw new MigrationError(`Nothing was changed: ${lost.join(' ')}`);
}

function brokenMessage({ dialect }: Engine, broken: string[], direction: Direction): string {
  if (dialect === 'sqlite') return `Foreign keys would be broken: ${broken.join(' ')} Nothing was changed.`;
  return `The migrations were run, but broke foreign keys: ${broken.join(' ')} Repair this, or revert. ${recheckAdvice(direction)}`;
}
