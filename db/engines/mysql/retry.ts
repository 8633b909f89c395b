/** Tries work again that a lost connection, a conflict or a failover has undone. */
import { setTimeout as delay } from 'node:timers/promises';
import { NoServerError, translateError } from './errors.ts';

/** How long work is tried again, in milliseconds; and when no server has answered for longer than that. */
const RETRY_TIMEOUT = 5_000;
const OUTAGE_TIMEOUT = 1_000;
const LONGEST_PAUSE = 200;

/**
 * Retries with growing pauses until RETRY_TIMEOUT while `isRetryable` accepts the error; translates the last one.
 * @param attempt gets the time of the first attempt, in milliseconds since 1970.
 */
export async function withRetry<Result>(
  attempt: (since: number) => Promise<Result>,
  isRetryable: (error: unknown) => boolean,
): Promise<Result> {
  const since = Date.now();
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await attempt(since);
    } catch (error) {
      if (!isRetryable(error) || Date.now() - since > patienceAfter(error)) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}

/** Requests that wait in vain one after the other, such as sign-ins for their turn, would be answered far too late. */
function patienceAfter(error: unknown): number {
  const isOutage = error instanceof NoServerError && Date.now() - error.since > RETRY_TIMEOUT;
  return isOutage ? OUTAGE_TIMEOUT : RETRY_TIMEOUT;
}
