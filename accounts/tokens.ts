/** The rules for API tokens: programs act by them in a user's name. A token may do no more than its scopes and its owner may. */
import { isFromFuture } from '../db/clock.ts';
import type { Database } from '../db/database.ts';
import { makeId } from '../db/ids.ts';
import { everyRange } from '../db/queries/ranges.ts';
import { type OwnedTokenRow, tokenQueries } from '../db/queries/tokens.ts';
import { type Actor, isOperator, isSelf } from './actor.ts';
import { type Bound, countByNetwork } from './attempts.ts';
import { holds, lackingOf, lockRights, requireFreshSession } from './authorization.ts';
import { type BestEffortLog, writeBestEffort } from './best-effort.ts';
import { applyChange, lockActor, recordEvent } from './change.ts';
import { registerCredentials } from './credentials.ts';
import { NotFoundError, OwnerLacksPermissionError, SessionRequiredError } from './errors.ts';
import { registerFollowUp } from './follow-ups.ts';
import { keyOf, makeSecret } from './secrets.ts';

/** @returns the queries for tokens. */
export const tokensIn = (db: Database) => db.queries(tokenQueries);

registerCredentials('token', {
  name: 'API tokens',
  isAlive: (db, id, now) => tokensIn(db).isAlive(id, now),
  scopesOf: (db, id) => tokensIn(db).scopesOf(id),
  async endRestored(restored, replaced) {
    for await (const { rows, after, last } of everyRange(tokensIn(restored).pageOfAll)) {
      const living = new Set(replaced && (await tokensIn(replaced).idsIn(after, last)).map(({ id }) => id));
      const ended = rows.filter(({ id }) => !living.has(id));
      await restored.atomically(ended.map(({ userId, id }) => tokensIn(restored).end(userId, id)));
    }
  },
});

// Whoever knew the password may have made tokens. Users who change their own keep theirs: they see them, and can end each.
registerFollowUp('password-reset', {
  ends: 'API tokens',
  async follow(db, { before: _before, after: _after, ...event }) {
    const userId = event.target?.id ?? '';
    const areThere = (await tokensIn(db).page(userId, '', 1)).length > 0;
    return {
      writes: [tokensIn(db).endAllOf(userId, areThere)],
      events: areThere ? [{ ...event, event: 'tokens-ended' }] : [],
    };
  },
});

/** How many bad tokens of a network are answered 401. */
const BAD_TOKENS: Bound = { name: 'token', limit: 100, window: 15 * 60 * 1000 };

/** How often at most the use of a token is noted, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

export interface NewToken {
  name: string;
  scopes: string[];
  /** In milliseconds since 1970. How late it may be, the schema says. */
  expiresAt: number;
}

interface Owner {
  id: string;
  username: string;
}

/**
 * Makes a token for a user: for the actor themselves, or by the operator. The user must hold all of its scopes.
 * @returns the token, with the secret, which is shown once.
 * @throws {SessionRequiredError} @throws {StaleSessionError} @throws {MissingPermissionError} @throws {OwnerLacksPermissionError}
 */
export const createToken = (
  db: Database,
  actor: Actor,
  owner: Owner,
  { name, scopes, expiresAt }: NewToken,
) =>
  applyChange(db, actor, async () => {
    requireOwner(actor, owner.id);
    requireFreshSession(actor);
    const [id, now, secret] = [makeId(), Date.now(), makeSecret('rc_')];
    const until = new Date(expiresAt).toISOString();
    return {
      // A reset of the password ends all tokens, so both write the owner's row.
      locks: isOperator(actor) ? await requireOwnerHolds(db, owner, scopes) : [lockActor(db, actor)],
      conditions: holds(db, actor, ...scopes),
      writes: [tokensIn(db).add({ key: keyOf(secret), id, userId: owner.id, name, scopes, expiresAt }, now)],
      event: {
        event: 'token-created',
        target: { kind: 'token', id, name },
        after: { ...namedFor(actor, owner), name, scopes, expiresAt: until },
      },
      result: { token: { id, name, scopes, createdAt: now, expiresAt, lastUsedAt: null }, secret },
    };
  });

/** Ends a token of the actor, or by the operator that of a user. @throws {NotFoundError} */
export const endToken = (db: Database, actor: Actor, owner: Owner, id: string) =>
  applyChange(db, actor, async () => {
    requireOwner(actor, owner.id);
    const token = await tokensIn(db).findOf(owner.id, id);
    if (!token) throw new NotFoundError('token');
    const { name } = token;
    return {
      writes: [tokensIn(db).end(owner.id, id)],
      event: {
        event: 'token-ended',
        target: { kind: 'token', id, name },
        ...(isOperator(actor) ? { before: { user: owner.username, name } } : {}),
      },
      result: token,
    };
  });

/** Ends the token of that key, by which a program signs out. A token that does nothing any more stays as it is. */
export async function endUsedToken(db: Database, actor: Actor, key: string): Promise<void> {
  const token = await tokensIn(db).find(key);
  if (!isUsable(token, Date.now())) return;
  const { id, userId, username } = token;
  const name = (await tokensIn(db).findOf(userId, id))?.name ?? '';
  const owner = { id: userId, username };
  const target = { kind: 'token' as const, id, name };
  const end = tokensIn(db).end(userId, id);
  await recordEvent(db, actor, { event: 'token-ended', actor: owner, via: 'token', target }, end);
}

function isUsable(token: OwnedTokenRow | undefined, now: number): token is OwnedTokenRow {
  return token?.active === true && !hasExpired(token, now);
}

/** @returns the token of that key while it lives and its owner is active. That it was used is noted now and then. */
export async function findToken(
  db: Database,
  key: string,
  log: BestEffortLog,
): Promise<OwnedTokenRow | undefined> {
  const token = await tokensIn(db).find(key);
  const now = Date.now();
  if (!isUsable(token, now)) return undefined;
  if (now - (token.lastUsedAt ?? 0) >= TOUCH_INTERVAL)
    await writeBestEffort(db, tokensIn(db).touch(key, now, now - TOUCH_INTERVAL + 1), log);
  return token;
}

/** Counts a token that is not usable. Usable ones, from the same network too, go on. @throws {TooManyAttemptsError} */
export const countBadToken = (db: Database, actor: Actor) => countByNetwork(db, actor, BAD_TOKENS);

/** One that was made in the future would live longer than it may, since the clock was set back. */
function hasExpired({ createdAt, expiresAt }: OwnedTokenRow, now: number): boolean {
  return expiresAt !== null && (expiresAt <= now || isFromFuture(createdAt, now));
}

/** A token makes and ends no tokens. @throws {SessionRequiredError} */
function requireOwner(actor: Actor, ownerId: string): void {
  if (!isOperator(actor) && !isSelf(actor, ownerId)) throw new SessionRequiredError();
}

/** @returns locks by which the owner goes on holding the scopes. @throws {OwnerLacksPermissionError} */
async function requireOwnerHolds(db: Database, owner: Owner, scopes: string[]) {
  const { locks, permissions } = await lockRights(db, owner.id);
  const lacking = lackingOf(permissions, scopes);
  if (lacking.length > 0) throw new OwnerLacksPermissionError(owner.username, lacking);
  return locks;
}

/** The owner is told apart from the actor only where these differ. */
function namedFor(actor: Actor, owner: Owner) {
  return isOperator(actor) ? { user: owner.username } : {};
}
