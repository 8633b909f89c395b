/**
 * Measures the latency of one client that sends one request at a time: with one process, with four workers, and with a
 * distant database, which shows the number of round trips of each request.
 */
import { connect, createServer, type Socket } from 'node:net';
import mysql from 'mysql2/promise';
import { freePort } from '../test/support/mysql-server.ts';
import { median, type Turns } from './compare.ts';
import { requestOf } from './contenders.ts';
import { type Filled, fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { load } from './load.ts';
import { keepGeneratorAwake } from './processors.ts';
import type { Request } from './request.ts';
import { MeasuredServer } from './server.ts';

export interface LatencyRow {
  engine: BenchEngine['name'];
  what: string;
  row: string;
  /** In milliseconds. */
  p50: number;
  p99: number;
  /** The latency in round trips to the database; null when the database is near. */
  roundTrips: number | null;
}

/** The delay to the distant database, in milliseconds one way. */
const DELAY = 10;

type Requests = Record<string, Request | Request[]>;

function usualReads({ ids, cookie }: Filled): Requests {
  return {
    'one user': requestOf('one user', ids, { cookie }),
    'list of 20': requestOf('list of 20', ids, { cookie }),
  };
}

/** Reads that also check permissions, or need several queries. */
function otherReads({ ids, cookie, group }: Filled): Requests {
  const get = (path: string): Request => ({ method: 'GET', path, headers: { cookie } });
  return {
    'who am I': get('/api/sign'),
    'may I': get('/api/sign/check?permission=users:write'),
    search: get('/api/users?q=user7&limit=20'),
    'groups of a user who has none': get(`/api/users/${ids.at(-1)}/groups`),
    'sessions of a user': get(`/api/users/${ids.at(-1)}/sessions`),
    groups: get('/api/groups'),
    'members of a group': get(`/api/groups/${group}/members`),
    'the audit trail': get('/api/audit?limit=20'),
  };
}

async function measureLatencies(servers: Map<string, MeasuredServer>, requests: Requests, turns: Turns) {
  const rows: Omit<LatencyRow, 'engine' | 'roundTrips'>[] = [];
  for (const [row, request] of Object.entries(requests)) {
    const figures = new Map(
      [...servers.keys()].map((what) => [what, { p50: [] as number[], p99: [] as number[] }]),
    );
    for (let round = -1; round < turns.rounds; round++) {
      for (const [what, server] of servers) {
        const { p50, p99, other } = await load(server.url, request, {
          seconds: turns.seconds,
          connections: 1,
        });
        if (other > 0) throw new Error(`${what}: ${other} answers were not 2xx.`);
        if (round < 0) continue;
        figures.get(what)?.p50.push(p50);
        figures.get(what)?.p99.push(p99);
      }
    }
    for (const [what, { p50, p99 }] of figures) rows.push({ what, row, p50: median(p50), p99: median(p99) });
  }
  return rows;
}

/** Starts a proxy that delays each chunk in both directions. @param delay in milliseconds. */
async function startDelayingProxy(port: number, delay: number): Promise<{ port: number; end: () => void }> {
  const forward = (from: Socket, to: Socket) => {
    from.setNoDelay().on('data', (chunk) => setTimeout(() => to.write(chunk), delay));
    from.on('close', () => setTimeout(() => to.destroy(), delay)).on('error', () => {});
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    forward(near, far);
    forward(far, near);
  });
  const own = await freePort();
  server.listen(own, '127.0.0.1');
  return { port: own, end: () => server.close() };
}

/** @returns the round-trip time in milliseconds. */
async function measureRoundTrip(url: string): Promise<number> {
  const connection = await mysql.createConnection(url);
  const times: number[] = [];
  for (let count = 0; count < 50; count++) {
    const begin = performance.now();
    await connection.query('SELECT 1');
    times.push(performance.now() - begin);
  }
  await connection.end();
  return median(times);
}

export async function latency(engine: BenchEngine, turns: Turns): Promise<LatencyRow[]> {
  const filled = await fill(await engine.makeDatabase(), 1000);
  const servers = new Map<string, MeasuredServer>();
  const stopBusyLoop = keepGeneratorAwake();
  try {
    for (const workers of [1, 4]) {
      const environment = { DATABASE_URL: filled.url, WORKERS: String(workers) };
      const what = workers === 1 ? 'one process' : `${workers} workers`;
      servers.set(what, await MeasuredServer.start('server.ts', environment));
    }
    const near = await measureLatencies(servers, usualReads(filled), turns);
    return [
      ...near.map((each) => ({ engine: engine.name, ...each, roundTrips: null })),
      ...(engine.name === 'SQLite' ? [] : await measureDistant(filled, turns)),
    ];
  } finally {
    stopBusyLoop();
    for (const server of servers.values()) await server.stop();
  }
}

async function measureDistant(filled: Filled, turns: Turns): Promise<LatencyRow[]> {
  const database = new URL(filled.url);
  const proxy = await startDelayingProxy(Number(database.port), DELAY);
  database.port = String(proxy.port);
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: database.href });
  try {
    const roundTrip = await measureRoundTrip(database.href);
    const what = `a database ${roundTrip.toFixed(1)} ms there and back`;
    const requests = { ...usualReads(filled), ...otherReads(filled) };
    const rows = await measureLatencies(new Map([[what, server]]), requests, turns);
    return rows.map((each) => ({ engine: 'MariaDB', ...each, roundTrips: each.p50 / roundTrip }));
  } finally {
    await server.stop();
    proxy.end();
  }
}
