/** Who is compared, and what each is asked for: the least that can be done, the usual way, and Rollcall. */
import { type Filled, PASSWORD } from './database.ts';
import type { BenchEngine } from './engines.ts';
import type { Request } from './request.ts';

/** One user, while somebody else changes something a hundred times a second: nothing that was read before holds for long. */
export const BESIDE_WRITES = 'one user, beside writes';

export const ROWS = ['index', 'one user', BESIDE_WRITES, 'list of 20', 'change', 'sign-in'] as const;

export type Row = (typeof ROWS)[number];

export interface Contender {
  name: string;
  file: string;
  /** What says who is calling. */
  headers: Record<string, string>;
  rows: Row[];
}

export const BARE = 'bare Fastify';
export const HASH = 'node:http, the hash alone';

/** Where those who are compared don't wait for each other: as they would to write, or to hash. */
export const READS: Row[] = ['index', 'one user', BESIDE_WRITES, 'list of 20'];

/** What the others of a row are compared with. */
export function referenceOf(row: Row): string {
  return row === 'sign-in' ? HASH : BARE;
}

/** @returns who is compared on that engine. */
export function contenders(engine: BenchEngine['name'], { cookie, stockCookie, token }: Filled): Contender[] {
  const servers = 'bench/servers';
  const withoutAuth: Contender[] = [
    { name: 'node:http, a constant', file: `${servers}/node-http.ts`, headers: {}, rows: ['index'] },
    { name: HASH, file: `${servers}/hash.ts`, headers: {}, rows: ['sign-in'] },
    { name: BARE, file: `${servers}/bare-fastify.ts`, headers: {}, rows: [...READS, 'change'] },
  ];
  const withAuth: Contender[] = [
    {
      name: 'session + passport',
      file: `${servers}/stock.ts`,
      headers: { cookie: stockCookie },
      rows: [...READS, 'change', 'sign-in'],
    },
    {
      name: 'Rollcall, cookie',
      file: 'server.ts',
      headers: { cookie },
      rows: [...READS, 'change', 'sign-in'],
    },
    {
      name: 'Rollcall, token',
      file: 'server.ts',
      headers: { authorization: `Bearer ${token}` },
      rows: [...READS, 'change'],
    },
  ];
  return engine === 'SQLite' ? [...withoutAuth, ...withAuth] : withAuth;
}

/** How many users are changed in turn: of requests to change one and the same, most would only wait for each other. */
const CHANGED = 100;

export function requestOf(row: Row, ids: string[], headers: Record<string, string>): Request | Request[] {
  const id = ids[Math.floor(ids.length / 2)] ?? '';
  const requests: Record<Row, Request | Request[]> = {
    index: { method: 'GET', path: '/', headers },
    'one user': { method: 'GET', path: `/api/users/${id}`, headers },
    [BESIDE_WRITES]: { method: 'GET', path: `/api/users/${id}`, headers },
    'list of 20': { method: 'GET', path: '/api/users?limit=20', headers },
    change: ids
      .slice(0, CHANGED)
      .map((each) => ({ method: 'PATCH', path: `/api/users/${each}`, headers, body: '{"name":"Changed"}' })),
    // As different users: of one, no more than ten may try at once.
    'sign-in': ids.slice(0, 1000).map((_, number) => ({
      method: 'POST',
      path: '/api/sign/in',
      body: JSON.stringify({ username: `user${number}`, password: PASSWORD }),
    })),
  };
  return requests[row];
}
