/**
 * Counts attempts in the database, and refuses when there were too many. Checking before and counting are one write where the bound is
 * strict: neither many workers nor many requests at once give more tries.
 */
import { hash } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { DuplicateError, type Step } from '../db/engines/engine.ts';
import type { AttemptsRow } from '../db/queries/attempts.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { TooManyAttemptsError } from './errors.ts';
import { networkOf } from './networks.ts';
import { recordRefusal } from './refusals.ts';

export interface Bound {
  /** What clients and the audit trail call it. */
  name: string;
  /** How many attempts are let pass. */
  limit: number;
  /** For how long they are counted, in milliseconds: from the first, or where each makes the wait longer, from the last. */
  window: number;
  /** How long one waits after the last of so many attempts, in milliseconds. Without it, until the window ends. */
  waitAfter?: (failures: number) => number;
}

export interface Count extends Bound {
  key: string;
}

/** How many times as much a /48 of IPv6 may do as a /64. */
const SITE_FACTOR = 10;

/** @returns the count of that bound for what it is counted by. The key is a digest, since a typed name may be a password. */
export function countOf(bound: Bound, ...by: string[]): Count {
  return { ...bound, key: hash('sha256', [bound.name, ...by].join(' '), 'base64url') };
}

/** @returns the counts for the network of that address. Of IPv6 there is one for the /48 as well, or each /64 in it would begin anew. */
export function countsByNetwork(bound: Bound, address: string): Count[] {
  const [own, site] = [networkOf(address, 64), networkOf(address, 48)];
  const ofSite = { ...bound, name: `${bound.name}-48`, limit: bound.limit * SITE_FACTOR };
  return [countOf(bound, own), ...(site === own ? [] : [countOf(ofSite, site)])];
}

/** @returns the rows of the counts, by their keys. */
export async function readCounts(db: Database, counts: Count[], now: number) {
  const rows = await db.attempts.find(
    counts.map(({ key }) => key),
    now,
  );
  return new Map(rows.map((row) => [row.key, row]));
}

/** Counts one more attempt, unless the count is full: then nothing is written. @returns how many there are, and its row when it is full. */
export async function countOne(
  db: Database,
  { key, limit, window, waitAfter }: Count,
  now: number,
): Promise<{ failures: number; full?: AttemptsRow }> {
  for (;;) {
    // Looked at first, since most have no count: on MySQL, writes that find no row stood in each other's way.
    const [row] = await db.attempts.find([key], now);
    if (row && !waitAfter && row.failures >= limit) return { failures: row.failures, full: row };
    const before = row?.failures ?? 0;
    const failures = before + 1;
    const blockedUntil = waitAfter && failures >= limit ? now + waitAfter(failures) : null;
    const count = { key, expiresAt: now + window, blockedUntil };
    const more = waitAfter ? db.attempts.prolong(count, before, now) : db.attempts.increment(key, now, limit);
    // If it fails, others have filled, begun or ended the count between the two.
    if (row ? await takesEffect(db, more) : await begin(db, count, now)) return { failures };
  }
}

async function begin(
  db: Database,
  count: { key: string; expiresAt: number; blockedUntil: number | null },
  now: number,
): Promise<boolean> {
  try {
    return await takesEffect(db, db.attempts.begin(count));
  } catch (error) {
    if (!(error instanceof DuplicateError)) throw error;
  }
  // An expired count is there, or another request was the first.
  return takesEffect(db, db.attempts.restart(count, now));
}

async function takesEffect(db: Database, step: Step): Promise<boolean> {
  return (await db.atomically([step])) === undefined;
}

/**
 * @param row the count's row, if it has one. @param typed the name that was typed, if it is counted by one.
 * @throws {TooManyAttemptsError} when the count is full. The first refusal is noted in the audit trail.
 */
export async function refuseIfFull(
  db: Database,
  actor: Actor,
  count: Count,
  row: AttemptsRow | undefined,
  now: number,
  typed?: string,
): Promise<void> {
  if (!row || row.failures < count.limit) return;
  const end = now + count.window;
  // The clock was set back since, or another host's is ahead. Nobody waits longer than the window.
  if (row.expiresAt > end) await db.atomically([db.attempts.cap(count.key, end)]);
  if (row.failures === count.limit)
    await recordThrottled(db, actor, count, typed, db.attempts.exceed(count.key, now, count.limit));
  throw tooMany(count, Math.min(row.expiresAt, end) - now);
}

/** Counts one more attempt of the actor's network. @throws {TooManyAttemptsError} */
export async function countByNetwork(db: Database, actor: Actor, bound: Bound): Promise<void> {
  const now = Date.now();
  for (const count of countsByNetwork(bound, actor.address))
    await refuseIfFull(db, actor, count, (await countOne(db, count, now)).full, now);
}

/** Notes that attempts are refused from here on. @param step with which it is noted once. */
export async function recordThrottled(
  db: Database,
  actor: Actor,
  { name }: Bound,
  typed: string | undefined,
  step?: Step,
): Promise<void> {
  const user = typed === undefined ? undefined : await db.users.findCredentials(typed);
  const target = user ? userTarget(user) : null;
  await recordRefusal(db, actor, { event: 'throttled', target, after: { bound: name } }, step);
}

/** @param wait in milliseconds. */
export function tooMany({ name, limit, window }: Bound, wait: number): TooManyAttemptsError {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  return new TooManyAttemptsError({ name, seconds, limit, window: window / 1000 });
}
