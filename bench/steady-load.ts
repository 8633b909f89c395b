/**
 * Sends requests at a constant rate, whether or not earlier ones have an answer, as people do who know nothing of each
 * other. autocannon can't: it sends what it may send in a second at the second's beginning.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Request } from 'autocannon';

/**
 * Sends these requests once, as many in a second as the rate says. @returns the milliseconds until each 2xx answer.
 * @throws when an answer is an error of the service, other than 503.
 */
export async function loadSteadily(url: string, requests: Request[], rate: number): Promise<number[]> {
  const times: number[] = [];
  const ask = async ({ path, ...request }: Request) => {
    const begin = performance.now();
    const response = await fetch(url + path, request);
    await response.arrayBuffer();
    if (response.status >= 500 && response.status !== 503)
      throw new Error(`${request.method} ${path} was answered ${response.status}.`);
    if (response.ok) times.push(performance.now() - begin);
  };
  const asked: Promise<void>[] = [];
  const begin = performance.now();
  while (asked.length < requests.length) {
    const due = ((performance.now() - begin) / 1000) * rate;
    asked.push(...requests.slice(asked.length, due).map(ask));
    await delay(1);
  }
  await Promise.all(asked);
  return times;
}
