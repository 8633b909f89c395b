/** Several workers behind one port: which of them answers is not for the caller to choose, but the log tells it. */
import type { Caller } from './api.ts';
import { type Server, until } from './processes.ts';

/**
 * Asks for that path, by default for who the caller is, until each of two workers has answered; the server must log
 * requests (LOG_LEVEL=debug).
 * @returns the statuses that came.
 */
export async function askBothWorkers(server: Server, caller: Caller, path = '/api/sign'): Promise<number[]> {
  const since = server.log().length;
  const answered = () =>
    server
      .log()
      .slice(since)
      .filter(({ msg }) => msg === 'request completed')
      .map(({ pid }) => pid);
  const statuses = new Set<number>();
  let asked = 0;
  await until('each worker has answered', async () => {
    const burst = Array.from({ length: 24 }, () => caller.status(server.url, path));
    for (const status of await Promise.all(burst)) statuses.add(status);
    asked += burst.length;
    // The log comes later than the answers: what is missing now would count for the next who asks.
    await until('the log has all answers', () => (answered().length >= asked ? true : undefined));
    return new Set(answered()).size === 2 ? true : undefined;
  });
  return [...statuses];
}
