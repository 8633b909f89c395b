/** Checks of what is typed. A command tells all that is wrong at once. */
import type { TSchema } from 'typebox';
import { Id } from '../schemas/common.ts';
import { MAX_PERMISSIONS, Permission, Permissions } from '../schemas/groups.ts';
import { validationError } from '../schemas/validator.ts';

/**
 * What the value is, for the message; its schema; the value, undefined if it was not given; and as it was typed, if it was
 * converted. It must not be a secret.
 */
type Check = [what: string, schema: TSchema, value: unknown, typed?: unknown];

/** @returns the number of decimal digits, or NaN, which fits no schema: Number() takes 0x10, 1e3 and a blank as well. */
export function readNumber(typed: string): number {
  return /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
}

/** @throws when values do not fit their schemas, with a line for each. */
export function checkEach(...checks: Check[]): void {
  const wrong = checks.flatMap(([what, schema, value, typed = value]) => {
    const fault = value === undefined ? undefined : validationError(schema, value);
    return fault ? [`The ${what} ${JSON.stringify(typed)} ${fault}.`] : [];
  });
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

/** @returns the id, which may be typed in any case. @throws when it is none. */
export function readId(typed: string): string {
  checkEach(['id', Id, typed]);
  return typed.toLowerCase();
}

/** @returns the checks that each of them is a permission, for `checkEach`. */
export function permissionChecks(permissions: string[]): Check[] {
  // Then each permission would be told once more.
  if (permissions.length > MAX_PERMISSIONS) return [['list of permissions', Permissions, permissions]];
  return permissions.map((permission) => ['permission', Permission, permission]);
}
