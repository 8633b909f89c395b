/** Tries work again that a lost connection, a conflict or a failover has undone. */
import { setTimeout as delay } from 'node:timers/promises';
import { translateError } from './errors.ts';

/** In milliseconds. */
const RETRY_TIMEOUT = 5_000;
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
      if (!isRetryable(error) || Date.now() - since > RETRY_TIMEOUT) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}
