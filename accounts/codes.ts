/**
 * The rules for one-time codes, with which users set a password without the old one. A code works while its issuer may still
 * issue it: issuing and using ask the same.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import { type Actor, isOperator, userOf } from './actor.ts';
import { userTarget } from './audit.ts';
import { authorityOver, holds, requireFreshSession, WRITE_USERS } from './authorization.ts';
import { applyChange, lockActor, lockUser, type RightsLock, stillActing } from './change.ts';
import { findCredential } from './credentials.ts';
import { InvalidCodeError, OwnPasswordError, RuleError } from './errors.ts';
import { requireUser } from './find.ts';
import { rememberNetwork } from './known-networks.ts';
import type { PasswordHashing } from './password-rules.ts';
import { isSecret, keyOf, makeSecret } from './secrets.ts';
import { countFailure, forgetAttempts, requireNetworkAdmitted } from './throttle.ts';

/** How long codes work, in milliseconds: for a user who has a password or had one, and for a new one. */
export const RESET_LIFETIME = 60 * 60 * 1000;
export const INVITATION_LIFETIME = 3 * 24 * 60 * 60 * 1000;

/** What is shown of a code, once. */
export interface IssuedCode {
  code: string;
  /** In milliseconds since 1970. */
  expiresAt: number;
}

/**
 * @returns a code of that actor for the user, with the steps that put it in place of an earlier one. Disabling its issuer removes it, so
 * both write the issuer's row. @param lifetime in milliseconds.
 */
export function newCode(
  db: Database,
  actor: Actor,
  userId: string,
  lifetime: number,
): { issued: IssuedCode; locks: RightsLock[]; writes: Step[] } {
  const code = makeSecret('rcc_');
  const now = Date.now();
  const expiresAt = now + lifetime;
  const issuerId = isOperator(actor) ? null : userOf(actor).id;
  const issuerTokenId = actor.credential?.kind === 'delegated' ? actor.credential.id : null;
  return {
    issued: { code, expiresAt },
    locks: isOperator(actor) ? [] : [lockActor(db, actor)],
    writes: db.codes.issue({ key: keyOf(code), userId, issuerId, issuerTokenId, expiresAt }, now),
  };
}

/**
 * Issues a code for a user who has lost their password.
 * @throws {NotFoundError} @throws {OwnPasswordError} @throws {StaleSessionError} @throws {MissingPermissionError}
 */
export const issueCode = (db: Database, actor: Actor, userId: string) =>
  applyChange(db, actor, async () => {
    if (actor.user?.id === userId) throw new OwnPasswordError(true);
    requireFreshSession(actor);
    const user = await requireUser(db, userId);
    const { locks, conditions } = await authorityOver(db, actor, userId);
    const code = newCode(db, actor, userId, RESET_LIFETIME);
    const expiresAt = new Date(code.issued.expiresAt).toISOString();
    return {
      locks: [...locks, ...code.locks],
      conditions: [...holds(db, actor, WRITE_USERS), ...conditions],
      writes: code.writes,
      event: { event: 'code-issued', target: userTarget(user), after: { expiresAt } },
      result: code.issued,
    };
  });

/** Ends the code of a user, which nobody could be shown. @throws {NotFoundError} @throws {MissingPermissionError} */
export const withdrawCode = (db: Database, actor: Actor, userId: string) =>
  applyChange(db, actor, async () => {
    const user = await requireUser(db, userId);
    const { locks, conditions } = await authorityOver(db, actor, userId);
    return {
      locks,
      conditions: [...holds(db, actor, WRITE_USERS), ...conditions],
      writes: [db.codes.removeAllOf(userId)],
      event: { event: 'code-withdrawn', target: userTarget(user) },
      result: undefined,
    };
  });

/**
 * Sets the password of the code's user. Their sessions end, and what follows (see follow-ups.ts).
 * @throws {InvalidCodeError} @throws {WeakPasswordError} @throws {TooManyAttemptsError}
 */
export async function useCode(...[db, hashing, actor, code, password]: Parameters<typeof resetPassword>) {
  await requireNetworkAdmitted(db, actor);
  try {
    await resetPassword(db, hashing, actor, code, password);
  } catch (error) {
    if (error instanceof InvalidCodeError) await countFailure(db, actor);
    throw error;
  }
}

async function resetPassword(
  db: Database,
  hashing: PasswordHashing,
  actor: Actor,
  code: string,
  password: string,
) {
  // Before the password is hashed, which costs much, and before it is told what is wrong with it.
  const { row: owner, conditions } = await findUsable(db, actor, code);
  if (await db.atomically(conditions)) throw new InvalidCodeError();
  const passwordHash = await hashing.hashNew(password, owner);
  await applyChange(db, actor, async () => {
    const { row, locks, conditions } = await findUsable(db, actor, code);
    const now = Date.now();
    const user = { id: row.userId, username: row.username };
    return {
      locks,
      conditions: conditions.map((step) => ({ step, error: () => new InvalidCodeError() })),
      writes: [
        db.codes.use(keyOf(code), now),
        db.users.setPassword(user.id, passwordHash, { by: 'code', userId: row.issuerId }, now),
        db.sessions.endAllOf(user.id),
        // Or whoever fails at the name again and again keeps a user out who is new, or has forgotten the password.
        await rememberNetwork(db, actor, user.id),
        forgetAttempts(db, actor, user.username),
      ],
      event: { event: 'password-reset', actor: user, via: 'code', target: userTarget(user) },
      result: undefined,
    };
  });
}

/** @returns the code, with what must hold for it to work. @throws {InvalidCodeError} Why it does not work is not for an anonymous caller to know. */
async function findUsable(db: Database, actor: Actor, code: string) {
  const row = isSecret('rcc_', code) ? await db.codes.find(keyOf(code), Date.now()) : undefined;
  if (!row) throw new InvalidCodeError();
  const { locks, conditions } = await issuerMayStillIssue(db, actor, row).catch((error) => {
    throw error instanceof RuleError ? new InvalidCodeError() : error;
  });
  return { row, locks, conditions: [db.users.isActive(row.userId), ...conditions.map(({ step }) => step)] };
}

type CodeRow = NonNullable<Awaited<ReturnType<Database['codes']['find']>>>;

/** @returns what must hold for the code to work: its issuer is active, by the same credential if it was a delegated one, and may still issue it. */
async function issuerMayStillIssue(db: Database, caller: Actor, code: CodeRow) {
  const { issuerId, issuerTokenId, userId } = code;
  if (issuerId === null) return { locks: [lockUser(db, userId)], conditions: [] };
  const credential = issuerTokenId === null ? null : await findCredential(db, issuerTokenId);
  if (credential === undefined) throw new InvalidCodeError();
  const issuer: Actor = {
    ...caller,
    kind: 'user',
    user: { id: issuerId, username: '' },
    credential,
    // What they hold is a condition.
    permissions: credential?.scopes ?? [EVERYTHING],
  };
  const { locks, conditions } = await authorityOver(db, issuer, userId);
  return {
    locks,
    conditions: [...stillActing(db, issuer), ...holds(db, issuer, WRITE_USERS), ...conditions],
  };
}
