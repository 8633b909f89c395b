/**
 * Moves a database between the schemas of the code's versions, up and down. drizzle-kit writes the migrations and may
 * apply them, too: folders, journal and the table __drizzle_migrations are its own. We apply them ourselves because it
 * has no way down, takes no lock, and on SQLite rebuilds tables with foreign keys on, which silently empties those
 * that refer to them.
 */
import type { Engine, MigrationConnection, Query } from '../engines/engine.ts';
import {
  assertSafe,
  lookAgain,
  MigrationError,
  refuseImpossible,
  resumeAt,
  unfinishedMessage,
} from './errors.ts';
import { type Direction, type Migration, readMigrations } from './migrations.ts';
import { hasTable, progressOf, readProgress } from './progress.ts';
import type { MoveOptions, SchemaState } from './schema-state.ts';
import { take } from './step.ts';

/** The target before the first migration. */
export const BASE = 'base';

const TABLE = '__drizzle_migrations';

// As drizzle-kit's own migrator makes it, so that either can go on where the other stopped.
const TABLE_DEFINITION = {
  sqlite: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
  mysql: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
};

/** @returns where the database stands at this moment; takes no lock and changes nothing. */
export async function inspect(engine: Engine): Promise<SchemaState> {
  const state = await readState(engine, engine.query);
  if (state.pending.length === 0 && !state.unfinished) return state;
  if (await engine.isMigrating()) return { ...state, migrating: true };
  // Whoever was at work may have ended just before that question.
  return readState(engine, engine.query);
}

/**
 * Applies what is pending, up to and with the target, one migrator at a time: who comes second finds nothing to do.
 * @param target a migration's name or its number; the newest when it is absent.
 * @throws {MigrationError} when the database is ahead or unfinished, a step loses data, or a statement fails.
 */
export function upgrade(engine: Engine, target?: string, options: MoveOptions = {}): Promise<void> {
  return migrate(engine, options, async (connection, onStep) => {
    const state = await readState(engine, connection.query);
    const last = target === undefined ? state.migrations.length - 1 : indexOf(state, target);
    const steps = state.pending.filter((migration) => state.migrations.indexOf(migration) <= last);
    await move(engine, connection, state, 'up', steps, { ...options, onStep });
  });
}

/**
 * Takes back what was applied after the target.
 * @param target a migration's name or its number, `-N` for N steps, or `base` for all.
 * @throws {MigrationError} as `upgrade`, and when there is nothing that takes a step back.
 */
export function downgrade(engine: Engine, target: string, options: MoveOptions = {}): Promise<void> {
  return migrate(engine, options, async (connection, onStep) => {
    const state = await readState(engine, connection.query);
    const kept = keptBy(state, target);
    const steps = state.applied.slice(kept).reverse();
    await move(engine, connection, state, 'down', steps, { ...options, onStep });
  });
}

type OnStep = NonNullable<MoveOptions['onStep']>;

/** Does the work, and tells of each step once it holds: on SQLite a later one that fails takes all of them with it. */
async function migrate(
  engine: Engine,
  options: MoveOptions,
  work: (connection: MigrationConnection, onStep: OnStep) => Promise<void>,
): Promise<void> {
  const taken: Parameters<OnStep>[] = [];
  const onStep: OnStep = (...step) => {
    if (engine.dialect === 'sqlite') taken.push(step);
    else options.onStep?.(...step);
  };
  await engine.withMigrationLock((connection) => work(connection, onStep));
  for (const step of taken) options.onStep?.(...step);
}

/**
 * Makes sure, when the service starts, that the database has the schema that the code expects.
 * @returns the names of the migrations that were applied for it.
 * @throws {MigrationError} when it has not, and says what to do.
 */
export async function ensureSchema(engine: Engine, autoMigrate: boolean): Promise<string[]> {
  const applied: string[] = [];
  const state = await inspect(engine);
  const [next] = state.pending;
  if (!next && !state.unfinished && state.unknown === 0) return applied;
  if (!autoMigrate) {
    if (state.migrating) {
      throw new MigrationError(
        'Another process is migrating the database at this moment. Wait until it has ended, and start again.',
      );
    }
    assertSafe(state, {});
    if (state.unfinished) throw new MigrationError(unfinishedMessage(state, state.unfinished));
    throw new MigrationError(
      `The database is behind the code by ${state.pending.length} migrations, the first being ${next?.name}. Bring it up to date with "npm run manage -- db upgrade".`,
    );
  }
  // What looks unfinished may be the work of another process: the upgrade waits for it before it judges.
  await upgrade(engine, undefined, { onStep: (_direction, name) => applied.push(name) });
  return applied;
}

/**
 * @returns a function that tells whether the database has, at this moment, just the migrations of this code; it costs
 * one small query. It throws when the database can't serve.
 */
export function watchSchema(engine: Engine): () => Promise<boolean> {
  const migrations = readMigrations(engine.dialect);
  const newest = migrations.at(-1)?.when;
  return async () => {
    const [row] = await engine.query(`SELECT count(*) AS applied, max(created_at) AS newest FROM ${TABLE}`);
    return Number(row?.applied) === migrations.length && Number(row?.newest) === newest;
  };
}

async function readState(engine: Engine, query: Query): Promise<SchemaState> {
  const rows = (await hasTable(engine, query, TABLE))
    ? await query(`SELECT hash, created_at FROM ${TABLE}`)
    : [];
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

async function move(
  engine: Engine,
  connection: MigrationConnection,
  state: SchemaState,
  direction: Direction,
  steps: Migration[],
  options: MoveOptions,
): Promise<void> {
  assertSafe(state, options);
  const unchecked = state.unfinished?.state === 'unchecked';
  const stopped = unchecked ? undefined : state.unfinished;
  const [next] = steps;
  if (stopped && (stopped.direction !== direction || stopped.name !== next?.name)) {
    throw new MigrationError(unfinishedMessage(state, stopped));
  }
  refuseImpossible(direction, steps, options);
  let first = stopped && next ? resumeAt(stopped, next, options) : 0;

  const progress = progressOf(engine, connection);
  const look = async (moved: Direction) => {
    const broken = await connection.brokenReferences();
    if (broken.length > 0) throw new MigrationError(brokenMessage(engine, broken, moved));
    await progress.forget();
  };
  // Going back may be what mends it; going on would not.
  if (state.unfinished && unchecked && (direction === 'up' || !next)) await look(state.unfinished.direction);
  if (!next) return;
  if (!state.unfinished) await progress.begin();
  await connection.run(TABLE_DEFINITION[engine.dialect]);
  for (const migration of steps) {
    const end =
      direction === 'up'
        ? `INSERT INTO ${TABLE} (hash, created_at) VALUES ('${migration.hash}', ${migration.when})`
        : `DELETE FROM ${TABLE} WHERE created_at = ${migration.when}`;
    await take(engine, connection, state, migration, direction, first, end);
    first = 0;
    options.onStep?.(direction, migration.name);
  }
  await look(direction);
}

function brokenMessage({ dialect }: Engine, broken: string[], direction: Direction): string {
  if (dialect === 'sqlite') return `Rows would refer to nothing: ${broken.join(' ')} Nothing was changed.`;
  return `The migrations were run, but now rows refer to nothing: ${broken.join(' ')} Mend these rows, or go back. ${lookAgain(direction)}`;
}

function indexOf({ migrations }: SchemaState, target: string): number {
  const index = migrations.findIndex(({ name }) => name === target || name.split('_')[0] === target);
  if (index >= 0) return index;
  throw new MigrationError(
    `There is no migration ${target}. There are: ${migrations.map(({ name }) => name).join(', ')}.`,
  );
}

/** How many of the applied migrations stay. */
function keptBy(state: SchemaState, target: string): number {
  if (target === BASE) return 0;
  if (/^-\d+$/.test(target)) return Math.max(0, state.applied.length + Number(target));
  const last = indexOf(state, target);
  return state.applied.filter((migration) => state.migrations.indexOf(migration) <= last).length;
}
