/**
 * The one way to change accounts. A rule reads what it needs and returns a `Change`; `applyChange` runs its locks, conditions
 * and writes together with the audit entries in one transaction. So a rule holds at the moment of writing, whatever happened
 * since the request began.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { DuplicateError, MissingReferenceError, type Step } from '../db/engines/engine.ts';
import type { AuditPurge } from '../db/maintenance.ts';
import { type Actor, isOperator, userOf } from './actor.ts';
import { type AuditEvent, auditEntries, logEntry } from './audit.ts';
import { isAlive } from './credentials.ts';
import { ConflictError, UnauthenticatedError } from './errors.ts';
import { findFollowing } from './follow-ups.ts';

/** A step that must hold, and the error that says why not. */
export interface Condition {
  step: Step;
  error: () => Error | Promise<Error>;
}

/**
 * A row that every change of the same rights writes first. `order` keeps two changes from waiting for each other. Without an
 * error, a row that is not as it was read is a lost race.
 */
export interface RightsLock extends Partial<Pick<Condition, 'error'>> {
  order: string;
  step: Step;
  /** What must hold after the writes. */
  after?: Condition;
}

export interface Change<Result> {
  locks?: RightsLock[];
  /** Queries that must find a row, or writes that must touch one: otherwise their error is thrown. */
  conditions?: Condition[];
  /** The unique indexes that tell of a lost race, besides primary keys. */
  retryOn?: string[];
  /** A write that touches another number of rows than it must has lost a race: the rule is asked again. */
  writes: Step[];
  /** One in general, none when nothing changes. */
  event: AuditEvent | AuditEvent[];
  /** What is so once the writes are made. */
  result: Result;
}

/** How often a change is tried: it fails only when very many change the same thing at once. */
const TRIES = 20;
/** How many groups one statement locks: SQLite limits the depth of a condition. */
const CHUNK = 500;

/** For a change of the user's account, or of what they hold. */
export const lockUser = (db: Database, id: string): RightsLock => ({
  order: `1 ${id}`,
  step: db.users.lock(id),
});

/** For a change of the actor's own account or session. */
export const lockActor = (db: Database, actor: Actor): RightsLock => ({
  ...lockUser(db, userOf(actor).id),
  error: () => new UnauthenticatedError(),
});

/** For a change of what the groups' members hold. Groups come after users: a user's row tells which groups are theirs. */
export function lockGroups(db: Database, groups: { id: string; version: number }[]): RightsLock[] {
  const sorted = groups.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const chunks = Array.from({ length: Math.ceil(groups.length / CHUNK) }, (_, index) =>
    sorted.slice(index * CHUNK, (index + 1) * CHUNK),
  );
  return chunks.map((chunk) => ({ order: `2 ${chunk[0]?.id}`, step: db.groups.lock(chunk) }));
}

/** @returns the condition that the actor is still who they were when the request began. */
export function stillActing(db: Database, actor: Actor): Condition[] {
  const { user, credential } = actor;
  if (!user || isOperator(actor)) return [];
  const now = Date.now();
  const step =
    credential?.kind === 'session'
      ? db.sessions.isAlive(credential.key, now)
      : credential
        ? isAlive(db, credential, now)
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
    const events = [change.event].flat();
    const following = await findFollowing(db, events);
    const writes = [...change.writes, ...following.writes];
    const event = [...events, ...following.events];
    if (await tryChange(db, actor, { ...change, writes, event })) return change.result;
    await delay(Math.random() * 5 * (tries + 1));
  }
  throw new ConflictError('Too many are changing this at once. Nothing was changed; try again.');
}

/**
 * Records an event, whether or not the actor is still who they were. With a step, such as the end of the session that the event is
 * about, it is recorded only if the step applies: what has ended already stays so.
 */
export async function recordEvent(
  db: Pick<Database, 'atomically' | 'audit'>,
  actor: Actor,
  event: AuditEvent,
  step?: Step,
): Promise<void> {
  const entries = auditEntries(actor, [event]);
  const steps = [...(step ? [step] : []), ...entries.map((entry) => db.audit.add(entry))];
  if (await db.atomically(steps)) return;
  for (const entry of entries) logEntry(actor, entry);
}

/** Records that old entries of the audit trail were removed, and until when: so a gap at its beginning can be told from a forged one. */
export function recordAuditPurge(
  db: Pick<Database, 'atomically' | 'audit'>,
  actor: Actor,
  { count, before }: AuditPurge,
): Promise<void> {
  const after = { count, before: new Date(before).toISOString() };
  return recordEvent(db, actor, { event: 'audit-purged', target: null, after });
}

/** @returns whether the change was made; if not, it has lost a race. */
async function tryChange(
  db: Database,
  actor: Actor,
  { locks = [], conditions = [], retryOn = [], writes, event }: Change<unknown> & { event: AuditEvent[] },
): Promise<boolean> {
  const before = [...stillActing(db, actor), ...conditions];
  const after = locks.flatMap((lock) => lock.after ?? []);
  const entries = auditEntries(actor, event);
  let missed: Step | undefined;
  try {
    missed = await db.atomically([
      ...locks.toSorted((a, b) => (a.order < b.order ? -1 : 1)).map(({ step }) => step),
      ...before.map(({ step }) => step),
      ...writes,
      ...after.map(({ step }) => step),
      ...entries.map((entry) => db.audit.add(entry)),
    ]);
  } catch (error) {
    if (isLostRace(error, retryOn)) return false;
    throw error;
  }
  const failed = [...locks, ...before, ...after].find(({ step }) => step === missed);
  if (failed?.error) throw await failed.error();
  if (missed) return false;
  for (const entry of entries) logEntry(actor, entry);
  return true;
}

/** @returns whether another change made the same row first, or removed one that this one refers to. */
function isLostRace(error: unknown, retryOn: string[]): boolean {
  if (error instanceof MissingReferenceError) return true;
  return error instanceof DuplicateError && ['PRIMARY', ...retryOn].includes(error.index);
}
