/**
 * Bounds what refused requests write into the audit trail and the log, so that nobody fills the disk with them. Beyond the bound of
 * an hour, refusals of a network are only counted, and at its end one entry and one line say how many were left out. Each process
 * counts for itself.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import { type Actor, anonymous } from './actor.ts';
import { type AuditEvent, auditEntries } from './audit.ts';
import { recordEvent } from './change.ts';
import { networkOf } from './networks.ts';

/** How many refusals of a network are written in a period, and how long that is, in milliseconds. */
const LIMIT = 30;
export const REFUSAL_PERIOD = 60 * 60 * 1000;
/** How many networks are told apart in a period. All further ones count as one, or a client with many would fill the memory. */
const MAX_NETWORKS = 10_000;
const OTHER_NETWORKS = 'other networks';
/** How many entries are written in one transaction. */
const BATCH = 100;

/** The refusals of this period, by network. Those of the log alone are counted apart, so that they push none out of the audit trail. */
export class RefusalCounts {
  readonly #counts = { audit: new Map<string, number>(), log: new Map<string, number>() };

  /** Counts a refusal. @returns whether it is to be written there. */
  admits(address: string, place: 'audit' | 'log'): boolean {
    const counts = this.#counts[place];
    const own = networkOf(address, 48);
    const network = counts.has(own) || counts.size < MAX_NETWORKS ? own : OTHER_NETWORKS;
    const count = (counts.get(network) ?? 0) + 1;
    counts.set(network, count);
    return count <= LIMIT;
  }

  /** Begins a new period. @returns how many refusals of which networks were left out in the last one. */
  takeLeftOut(): { network: string; count: number }[] {
    const leftOut = new Map<string, number>();
    for (const counts of Object.values(this.#counts)) {
      for (const [network, count] of counts)
        if (count > LIMIT) leftOut.set(network, (leftOut.get(network) ?? 0) + count - LIMIT);
      counts.clear();
    }
    return [...leftOut].map(([network, count]) => ({ network, count }));
  }
}

/**
 * Records an event that is a refusal in the audit trail and the log, unless the actor's network had too many.
 * @param step if it is given, the event is recorded only if it applies.
 */
export async function recordRefusal(
  db: Database,
  actor: Actor,
  event: AuditEvent,
  step?: Step,
): Promise<void> {
  if (isWritten(actor, 'audit')) await recordEvent(db, actor, event, step);
}

/** Writes a refusal to the log only, unless the actor's network had too many. @param fields without secrets. */
export function logRefusal(actor: Actor, fields: object, message: string): void {
  if (!isWritten(actor, 'log')) return;
  const { user, method: via, address, userAgent, log } = actor;
  log.info({ actor: user?.id, via, address, userAgent, ...fields }, message);
}

function isWritten({ refusals, address }: Actor, place: 'audit' | 'log'): boolean {
  return refusals?.admits(address, place) ?? true;
}

/** Writes how many refusals of each network were left out: an audit entry and a log line for each. */
export async function recordLeftOut(db: Database, counts: RefusalCounts, log: Actor['log']): Promise<void> {
  const leftOut = counts.takeLeftOut();
  for (const { network, count } of leftOut)
    log.info({ event: 'refusals-left-out', address: network, count }, 'refusals-left-out');
  const entries = leftOut.flatMap(({ network, count }) => {
    const actor = anonymous({ address: network, userAgent: '', requestId: '' }, { log, refusals: null });
    return auditEntries(actor, [{ event: 'refusals-left-out', target: null, after: { count } }]);
  });
  for (let start = 0; start < entries.length; start += BATCH)
    await db.atomically(entries.slice(start, start + BATCH).map((entry) => db.audit.add(entry)));
}
