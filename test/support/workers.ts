/** Sends requests to several workers behind one port. The caller can't choose the worker, but the log shows which answered. */
import type { Caller } from './api.ts';
import type { Server } from './processes.ts';
import { until } from './running.ts';

/**
 * Sends GET requests to the path until both workers have answered. The server must log requests (LOG_LEVEL=debug).
 * @returns the different statuses of the answers.
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
  let sent = 0;
  await until('each worker has answered', async () => {
    const burst = Array.from({ length: 8 }, () => caller.status(server.url, path));
    for (const status of await Promise.all(burst)) statuses.add(status);
    sent += burst.length;
    // The log arrives after the answers; lines that are still missing would count for the next call.
    await until('the log has all requests', () => (answered().length >= sent ? true : undefined));
    return new Set(answered()).size === 2 ? true : undefined;
  });
  return [...statuses];
}
