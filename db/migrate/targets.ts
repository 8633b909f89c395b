/** Reads the target that an operator names: a migration, a number of steps, or `base`. */
import { MigrationError } from './errors.ts';
import { type Dialect, type Migration, readMigrations } from './migrations.ts';
import type { SchemaState } from './schema-state.ts';

/** The target before the first migration. */
export const BASE = 'base';

/**
 * @param target a migration's name or number, or `+N` for N steps; the newest migration by default.
 * @returns the pending migrations up to and including the target.
 * @throws {MigrationError} when there is no such migration, or fewer steps are pending.
 */
export function stepsUp(state: Pick<SchemaState, 'migrations' | 'pending'>, target?: string): Migration[] {
  const { migrations, pending } = state;
  if (target === undefined) return pending;
  if (/^\+\d+$/.test(target)) {
    const count = Number(target);
    if (count <= pending.length) return pending.slice(0, count);
    throw new MigrationError(
      `${target} can't be applied: ${countOf(pending, 'pending')}. Without a target, "npm run manage -- db upgrade" applies all that are pending.`,
    );
  }
  const last = findTarget(state, target);
  return pending.filter((migration) => migrations.indexOf(migration) <= last);
}

/** For a database that is not made yet, so that a slip makes none. @throws {MigrationError} when it has no such target. */
export function assertTarget(dialect: Dialect, target: string): void {
  const migrations = readMigrations(dialect);
  stepsUp({ migrations, pending: migrations }, target);
}

/**
 * @param target a migration's name or number, `-N` for N steps, or `base` for all.
 * @returns the applied migrations after the target, newest first.
 * @throws {MigrationError} when there is no such migration, or fewer steps are applied.
 */
export function stepsDown(state: SchemaState, target: string): Migration[] {
  const { migrations, applied } = state;
  if (target === BASE) return applied.toReversed();
  if (/^-\d+$/.test(target)) {
    const kept = applied.length + Number(target);
    if (kept >= 0) return applied.slice(kept).reverse();
    // Most likely a slip for a smaller number, and every table would go.
    throw new MigrationError(
      `${target} can't be taken back: ${countOf(applied, 'applied')}. The target ${BASE} takes back all.`,
    );
  }
  const last = findTarget(state, target);
  return applied.filter((migration) => migrations.indexOf(migration) > last).reverse();
}

function countOf({ length }: Migration[], what: string): string {
  return `${length === 1 ? 'only 1 migration is' : `only ${length} migrations are`} ${what}`;
}

function findTarget({ migrations }: Pick<SchemaState, 'migrations'>, target: string): number {
  const index = migrations.findIndex(({ name }) => name === target || name.split('_')[0] === target);
  if (index >= 0) return index;
  const names = migrations.map(({ name }) => name).join(', ');
  throw new MigrationError(`There is no migration ${target}. There are: ${names}.`);
}
