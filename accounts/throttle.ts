/**
 * Slows down the guessing of passwords: who has given a wrong one too often for a name, from one network, has to wait.
 * Attempts are counted in the database, before the password is looked at, so neither many workers nor many requests at once
 * give more tries. Names without a user are counted in the same way.
 */
import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Database } from '../db/database.ts';
import { DuplicateError, type Step } from '../db/engines/engine.ts';
import { normalizeIdentifier } from '../db/text.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { recordEvent } from './change.ts';
import { TooManyAttemptsError } from './errors.ts';

/** How many wrong passwords are let pass, and for how long they are counted, in milliseconds. */
const LIMIT = 10;
const WINDOW = 15 * 60 * 1000;

/** @returns what an address counts as: of IPv6, where one customer has them all, the first 64 bits. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  // As numbers, since a proxy may write the same address in more than one way.
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(':');
}

/** @returns what attempts are counted under: a digest, since what was typed as a name may be a password. */
function attemptsKey({ address }: Actor, name: string): string {
  return hash('sha256', `${networkOf(address)} ${normalizeIdentifier(name)}`, 'base64url');
}

/** @returns a step that forgets the attempts at that name from the actor's network, for when one was right. */
export function forgetAttempts(db: Database, actor: Actor, name: string): Step {
  return db.attempts.forget(attemptsKey(actor, name));
}

/**
 * Counts one more attempt at that name from the actor's network.
 * @throws {TooManyAttemptsError} when there were too many. The first of these is noted in the audit trail.
 */
export async function countAttempt(db: Database, actor: Actor, name: string): Promise<void> {
  const key = attemptsKey(actor, name);
  const now = Date.now();
  const full = await countOne(db, key, now);
  if (!full) return;
  const seconds = Math.max(1, Math.ceil((full.expiresAt - now) / 1000));
  if (full.failures === LIMIT) {
    const user = await db.users.findCredentials(name);
    const first = db.attempts.exceed(key, now, LIMIT);
    await recordEvent(db, actor, { event: 'throttled', target: user ? userTarget(user) : null }, first);
  }
  throw new TooManyAttemptsError({ seconds, limit: LIMIT, window: WINDOW / 1000 });
}

/** @returns undefined when this attempt is let pass, else the count, which is full. */
async function countOne(
  db: Database,
  key: string,
  now: number,
): Promise<{ failures: number; expiresAt: number } | undefined> {
  const { attempts } = db;
  const takesEffect = async (step: Step) => (await db.atomically([step])) === undefined;
  // Looked at first, since most have no count: on MySQL, writes that find no row stood in each other's way.
  const counted = await attempts.find(key, now);
  const expiresAt = now + WINDOW;
  if (counted && counted.expiresAt > expiresAt) {
    // The clock was set back since, or another host's is ahead. Nobody waits longer than the window.
    await takesEffect(attempts.cap(key, expiresAt));
    return countOne(db, key, now);
  }
  if (counted && counted.failures >= LIMIT) return counted;
  if (counted) {
    if (await takesEffect(attempts.increment(key, now, LIMIT))) return undefined;
    // Others have filled the count between the two, or ended it.
    return countOne(db, key, now);
  }
  try {
    await takesEffect(attempts.begin(key, expiresAt));
    return undefined;
  } catch (error) {
    if (!(error instanceof DuplicateError)) throw error;
  }
  // An expired count is there, or another request was the first.
  if (await takesEffect(attempts.restart(key, now, expiresAt))) return undefined;
  return countOne(db, key, now);
}
