/**
 * Slows down the guessing of passwords and codes, by three counts: by name and network, by network over all names, and over all networks
 * by name, or by session for those who have signed in. Names without a user are counted in the same way. docs/passwords.md has a table.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import type { AttemptsRow } from '../db/queries/attempts.ts';
import { normalizeIdentifier } from '../db/text.ts';
import type { Actor } from './actor.ts';
import {
  type Bound,
  type Count,
  countOf,
  countOne,
  countsByNetwork,
  readCounts,
  recordThrottled,
  refuseIfFull,
  tooMany,
} from './attempts.ts';
import { isKnownNetwork } from './known-networks.ts';
import { networkOf } from './networks.ts';

const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;

/** Strict: counted before the password is looked at. */
const BY_NAME_AND_NETWORK: Bound = { name: 'name-and-network', limit: 5, window: 15 * MINUTE };
/** Failures, counted once they have failed. So requests at once may exceed it, by no more than the queue of passwords lets in. */
const BY_NETWORK: Bound = { name: 'network', limit: 50, window: 15 * MINUTE };
const NAME_LIMIT = 20;
const waitAfter = (failures: number) => Math.min(HOUR, MINUTE * 2 ** (failures - NAME_LIMIT));
const BY_NAME: Bound = { name: 'name', limit: NAME_LIMIT, window: 24 * HOUR, waitAfter };
/** Of those who have signed in. Whoever guesses at their name elsewhere does not keep them from confirming the password. */
const BY_SESSION: Bound = { ...BY_NAME, name: 'session' };

const byNameAndNetwork = ({ address }: Actor, name: string) =>
  countOf(BY_NAME_AND_NETWORK, networkOf(address, 64), normalizeIdentifier(name));
const overNetworks = ({ credential }: Actor, name: string) =>
  credential?.kind === 'session'
    ? countOf(BY_SESSION, credential.id)
    : countOf(BY_NAME, normalizeIdentifier(name));

/** @returns a step that forgets the attempts at that name from the actor's network, for when one was right. The other counts stay. */
export function forgetAttempts(db: Database, actor: Actor, name: string): Step {
  return db.attempts.forget(byNameAndNetwork(actor, name).key);
}

/** Counts one more attempt at that name, before the password is looked at. @throws {TooManyAttemptsError} */
export async function countAttempt(db: Database, actor: Actor, name: string): Promise<void> {
  const now = Date.now();
  const slow = overNetworks(actor, name);
  const rows = await requireNetworkAdmitted(db, actor, [slow]);
  await refuseIfBlocked(db, actor, slow, rows.get(slow.key), name);
  const strict = byNameAndNetwork(actor, name);
  const { full } = await countOne(db, strict, now);
  await refuseIfFull(db, actor, strict, full, now, name);
}

/** Counts a wrong password or code: for the actor's network, and for the name, or the actor's session, if a name was given. */
export async function countFailure(db: Database, actor: Actor, name?: string): Promise<void> {
  const now = Date.now();
  for (const count of countsByNetwork(BY_NETWORK, actor.address)) await countOne(db, count, now);
  if (name === undefined) return;
  const count = overNetworks(actor, name);
  const { failures } = await countOne(db, count, now);
  if (failures >= NAME_LIMIT) await recordThrottled(db, actor, count, name);
}

/**
 * @param others counts that are read together with those of the network. @returns the rows of all of them.
 * @throws {TooManyAttemptsError} when too many passwords and codes from the actor's network were wrong.
 */
export async function requireNetworkAdmitted(db: Database, actor: Actor, others: Count[] = []) {
  const now = Date.now();
  const counts = countsByNetwork(BY_NETWORK, actor.address);
  const rows = await readCounts(db, [...counts, ...others], now);
  for (const count of counts) await refuseIfFull(db, actor, count, rows.get(count.key), now);
  return rows;
}

/** Does not stop the networks from which that user has signed in. @throws {TooManyAttemptsError} */
async function refuseIfBlocked(
  db: Database,
  actor: Actor,
  count: Count,
  row: AttemptsRow | undefined,
  name: string,
): Promise<void> {
  const now = Date.now();
  if (!row?.blockedUntil || row.blockedUntil <= now || (await isKnownNetwork(db, actor, name))) return;
  const end = now + waitAfter(row.failures);
  // As in refuseIfFull.
  if (row.blockedUntil > end) await db.atomically([db.attempts.capBlock(count.key, end)]);
  throw tooMany(count, Math.min(row.blockedUntil, end) - now);
}
