/** Tries work again that a lost connection, a conflict or a failover has undone. */
import { setTimeout as delay } from 'node:timers/promises';
import { translateError } from './errors.ts';

/** In milliseconds. */
const RETRY_TIMEOUT = 5_000;
const LONGEST_PAUSE = 200;

/** Retries with growing pauses until RETRY_TIMEOUT while `isRetryable` accepts the error; translates the last one. */
export async function withRetry<Result>(
  attempt: () => Promise<Result>,
  isRetryable: (error: unknown) => boolean,
): Promise<Result> {
  const deadline = Date.now() + RETRY_TIMEOUT;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetryable(error) || Date.now() > deadline) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}
