/** Lists the servers that the bench compares, and their requests: minimal servers, a stock service, and Rollcall. */
import { type Filled, PASSWORD } from './database.ts';
import type { BenchEngine } from './engines.ts';
import type { Request } from './request.ts';

/** Reads one user while another process writes all the time, so that caches are soon invalid. */
export const BESIDE_WRITES = 'one user, beside writes';

export const ROWS = ['index', 'one user', BESIDE_WRITES, 'list of 20', 'change', 'sign-in'] as const;

export type Row = (typeof ROWS)[number];

export interface Contender {
  name: string;
  file: string;
  /** The credentials of the caller. */
  headers: Record<string, string>;
  rows: Row[];
}

const BARE = 'bare Fastify';
const HASH = 'node:http, the hash alone';

/** The rows in which contenders can run concurrently: writes and hashes would wait for each other. */
export const READS: Row[] = ['index', 'one user', BESIDE_WRITES, 'list of 20'];

export function referenceOf(row: Row): string {
  return row === 'sign-in' ? HASH : BARE;
}

export function contenders(engine: BenchEngine['name'], { cookie, stockCookie, token }: Filled): Contender[] {
  const servers = 'bench/servers';
  const onSqlite: Contender[] = [
    { name: 'node:http, a constant', file: `${servers}/node-http.ts`, headers: {}, rows: ['index'] },
    { name: HASH, file: `${servers}/hash.ts`, headers: {}, rows: ['sign-in'] },
  ];
  const onBoth: Contender[] = [
    { name: BARE, file: `${servers}/bare-fastify.ts`, headers: {}, rows: [...READS, 'change'] },
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
  return engine === 'SQLite' ? [...onSqlite, ...onBoth] : onBoth;
}

/** Changes rotate among this many users, because changes of one user would wait for each other. */
const CHANGED_USERS = 100;

export function requestOf(row: Row, ids: string[], headers: Record<string, string>): Request | Request[] {
  const id = ids[Math.floor(ids.length / 2)] ?? '';
  const requests: Record<Row, Request | Request[]> = {
    index: { method: 'GET', path: '/', headers },
    'one user': { method: 'GET', path: `/api/users/${id}`, headers },
    [BESIDE_WRITES]: { method: 'GET', path: `/api/users/${id}`, headers },
    'list of 20': { method: 'GET', path: '/api/users?limit=20', headers },
    // A name that is so already would write nothing, and a token may not change its owner, who is the first.
    change: ['Changed', 'Changed again'].flatMap((name) =>
      ids.slice(1, CHANGED_USERS).map((each) => {
        const body = JSON.stringify({ name });
        return { method: 'PATCH' as const, path: `/api/users/${each}`, headers, body };
      }),
    ),
    // Different users, because the throttle limits the concurrent attempts of one user.
    'sign-in': ids.slice(0, 1000).map((_, number) => ({
      method: 'POST',
      path: '/api/sign/in',
      body: JSON.stringify({ username: `user${number}`, password: PASSWORD }),
    })),
  };
  return requests[row];
}
