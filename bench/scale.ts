/** Whether a request costs the same among a thousand users, each with a session, and among a million. */
import { statSync } from 'node:fs';
import { requestOf } from './compare.ts';
import { type Filled, fill } from './database.ts';
import { load, type Request } from './load.ts';
import { MeasuredServer } from './server.ts';

export interface ScaleRow {
  users: number;
  /** Seconds that filling the database took. */
  filled: number;
  /** Megabytes; of SQLite only. */
  size: number | null;
  /** Microseconds of processor time of the server for each answer, by request. */
  cpu: Record<string, number>;
}

function requests({ ids, cookie }: Filled): Record<string, Request> {
  const headers = { cookie };
  const get = (path: string): Request => ({ method: 'GET', path, headers });
  const deep = ids[Math.floor(ids.length * 0.9)] ?? '';
  return {
    'one user': requestOf('one user', ids, headers),
    'list of 20': get('/api/users?limit=20'),
    'deep page': get(`/api/users?limit=20&after=${deep}`),
    'search, one hit': get(`/api/users?q=user${ids.length - 1}&limit=20`),
    'search, many hits': get('/api/users?q=u&limit=20'),
    'sign-in': requestOf('sign-in', ids, {}),
  };
}

/** @param makeUrl gives the URL of a new, empty database for each size. */
export async function scale(
  sizes: number[],
  makeUrl: (users: number) => string,
  seconds: number,
): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  for (const users of sizes) {
    const url = makeUrl(users);
    const begin = performance.now();
    const filled = await fill(url, users);
    const took = (performance.now() - begin) / 1000;
    const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url });
    const cpu: Record<string, number> = {};
    for (const [name, request] of Object.entries(requests(filled))) {
      await load(server.url, request, { seconds: 1 });
      const before = server.cpu();
      const { good, other } = await load(server.url, request, { seconds });
      if (other > 0) throw new Error(`${name} among ${users}: ${other} answers were not 2xx.`);
      cpu[name] = (server.cpu() - before) / Math.max(1, good);
    }
    await server.stop();
    const size = url.startsWith('sqlite:') ? statSync(url.slice('sqlite:'.length)).size / 1_000_000 : null;
    rows.push({ users, filled: took, size, cpu });
  }
  return rows;
}
