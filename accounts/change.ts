/**
 * The one way to change accounts. A rule reads what it needs and returns a `Change`; `applyChange` runs its guards, conditions
 * and writes together with the audit entries in one transaction. So a rule holds at the moment of writing, whatever happened
 * since the request began.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { DuplicateError, MissingReferenceError, type Step } from '../db/engines/engine.ts';
import { type Actor, isOperator } from './actor.ts';
import { type AuditEvent, auditEntries, logEntry } from './audit.ts';
import { ConflictError, LastAdministratorError, NotFoundError, UnauthenticatedError } from './errors.ts';

/** A step that must hold, and the error that says why not. */
export interface Condition {
  step: Step;
  error: () => Error | Promise<Error>;
}

/** A row that every change of the same rights writes as well. `order` keeps two changes from waiting for each other. */
export interface Guard {
  order: string;
  step: Step;
  /** What must hold after the writes. */
  after?: Condition;
}

export interface Change<Result> {
  guards?: Guard[];
  conditions?: Condition[];
  /** A write that touches another number of rows than it must has lost a race: the rule is asked again. */
  writes: Step[];
  /** One in general, none when nothing changes. */
  event: AuditEvent | AuditEvent[];
  /** What is so once the writes are made. */
  result: Result;
}

/** Tells whether a thing of this version is the one that the caller has read. */
export type VersionMatch = (version: number) => boolean;

export const anyVersion: VersionMatch = () => true;

/** How often a change is tried: it fails only when very many change the same thing at once. */
const TRIES = 20;

/** For a change of what the user holds. */
export const guardUser = (db: Database, id: string): Guard => ({
  order: `1 ${id}`,
  step: db.users.guard(id),
});

/** For a change of what the groups' members hold. Groups come after users: a user's row tells which groups are theirs. */
export const guardGroups = (db: Database, groups: { id: string; version: number }[]): Guard[] =>
  groups.length === 0 ? [] : [{ order: '2', step: db.groups.guard(groups) }];

/**
 * For a change that relies on what the user holds. @throws {NotFoundError}
 * @returns what they hold, and guards for the user and all of their groups: by their versions, so that it is still so.
 */
export async function guardRights(
  db: Database,
  userId: string,
): Promise<{ guards: Guard[]; permissions: string[] }> {
  // Before the groups: a membership that comes or goes meanwhile gives the user another version.
  const version = await db.users.rightsVersion(userId);
  if (version === undefined) throw new NotFoundError('user');
  const rows = await db.memberships.rights(userId);
  const groups = new Map(rows.map((row) => [row.id, row]));
  return {
    guards: [
      { order: `1 ${userId}`, step: db.users.guardAt(userId, version) },
      ...guardGroups(db, [...groups.values()]),
    ],
    permissions: [...new Set(rows.flatMap(({ permission }) => permission ?? []))].sort(),
  };
}

/** For whatever can take every permission (*) from a user: somebody who can sign in must keep it. */
export const keepAdministrator = (db: Database): Guard => ({
  order: '0',
  step: db.permissions.guardAdministrators(),
  after: { step: db.permissions.administratorRemains(), error: () => new LastAdministratorError() },
});

/** @returns the condition that the actor is still who they were when the request began. */
export function stillActing(db: Database, actor: Actor): Condition[] {
  const { user, credential } = actor;
  if (!user || isOperator(actor)) return [];
  const now = Date.now();
  const step =
    credential?.kind === 'session'
      ? db.sessions.isAlive(credential.key, now)
      : credential?.kind === 'token'
        ? db.tokens.isAlive(credential.id, now)
        : db.users.isActive(user.id);
  return [{ step, error: () => new UnauthenticatedError() }];
}

/**
 * @param decide is the rule. It is asked again when another change came between its reading and the writing.
 * @returns the result of the change that was made.
 * @throws {ConflictError} when others came between again and again; whatever the rule or one of its conditions throws.
 */
export async function applyChange<Result>(
  db: Database,
  actor: Actor,
  decide: () => Change<Result> | Promise<Change<Result>>,
): Promise<Result> {
  for (let tries = 0; tries < TRIES; tries++) {
    const change = await decide();
    if (await tryChange(db, actor, change)) return change.result;
    await delay(Math.random() * 5 * (tries + 1));
  }
  throw new ConflictError('Too many are changing this at once. Nothing was changed; try again.');
}

/** Notes an event by which nothing else changes. @param conditions steps that come with it. */
export function recordEvent(
  db: Database,
  actor: Actor,
  event: AuditEvent,
  conditions: Condition[] = [],
): Promise<void> {
  return applyChange(db, actor, () => ({ conditions, writes: [], event, result: undefined }));
}

/** @returns whether the change was made; if not, it has lost a race. */
async function tryChange(
  db: Database,
  actor: Actor,
  { guards = [], conditions = [], writes, event }: Change<unknown>,
): Promise<boolean> {
  const before = [...stillActing(db, actor), ...conditions];
  const after = guards.flatMap((guard) => guard.after ?? []);
  const entries = auditEntries(actor, [event].flat());
  let missed: Step | undefined;
  try {
    missed = await db.atomically([
      ...guards.toSorted((a, b) => (a.order < b.order ? -1 : 1)).map(({ step }) => step),
      ...before.map(({ step }) => step),
      ...writes,
      ...after.map(({ step }) => step),
      ...entries.map((entry) => db.audit.add(entry)),
    ]);
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
  const failed = [...before, ...after].find(({ step }) => step === missed);
  if (failed) throw await failed.error();
  if (missed) return false;
  for (const entry of entries) logEntry(actor, entry);
  return true;
}

/** @returns whether another change made the same row first, or removed one that this one refers to. */
function isLostRace(error: unknown): boolean {
  return (
    error instanceof MissingReferenceError || (error instanceof DuplicateError && error.index === 'PRIMARY')
  );
}
