/**
 * What a request costs, beside the least that it could cost: each contender serves the same rows from the same database, in
 * several rounds that take turns, and what is compared is the processor time that the operating system counts for it.
 */
import type { Filled } from './database.ts';
import { PASSWORD } from './database.ts';
import { type Load, load, type Request } from './load.ts';
import { MeasuredServer } from './server.ts';

type RowName = 'index' | 'one user' | 'list of 20' | 'change' | 'sign-in';

interface Contender {
  name: string;
  file: string;
  /** What says who is calling. */
  headers: Record<string, string>;
  rows: RowName[];
}

export interface Measurement {
  row: RowName;
  contender: string;
  /** Microseconds of processor time for each good answer; the median of the rounds. */
  cpu: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** Megabytes, after the last round. */
  memory: number;
  /** How many times the reference's processor time it is; 1 for the reference itself. */
  ratio: number | null;
  other: number;
}

/** What the others are compared with. */
export const REFERENCE = 'bare Fastify';

function contenders({ cookie, stockCookie, token }: Filled): Contender[] {
  const read: RowName[] = ['index', 'one user', 'list of 20'];
  return [
    { name: 'node:http, constant body', file: 'bench/servers/node-http.ts', headers: {}, rows: ['index'] },
    { name: REFERENCE, file: 'bench/servers/bare-fastify.ts', headers: {}, rows: [...read, 'change'] },
    {
      name: 'stock session + passport',
      file: 'bench/servers/stock.ts',
      headers: { cookie: stockCookie },
      rows: read,
    },
    {
      name: 'Rollcall, cookie',
      file: 'server.ts',
      headers: { cookie },
      rows: [...read, 'change', 'sign-in'],
    },
    {
      name: 'Rollcall, token',
      file: 'server.ts',
      headers: { authorization: `Bearer ${token}` },
      rows: ['one user', 'list of 20', 'change'],
    },
  ];
}

export function requestOf(row: RowName, ids: string[], headers: Record<string, string>): Request {
  const id = ids[Math.floor(ids.length / 2)] ?? '';
  const requests: Record<RowName, Request> = {
    index: { method: 'GET', path: '/' },
    'one user': { method: 'GET', path: `/api/users/${id}`, headers },
    'list of 20': { method: 'GET', path: '/api/users?limit=20', headers },
    change: { method: 'PATCH', path: `/api/users/${id}`, headers, body: '{"name":"Changed"}' },
    'sign-in': {
      method: 'POST',
      path: '/api/sign/in',
      body: JSON.stringify({ username: 'user1', password: PASSWORD }),
    },
  };
  return requests[row];
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

export async function compare(
  filled: Filled,
  { rounds, seconds, only }: { rounds: number; seconds: number; only?: RowName[] },
): Promise<Measurement[]> {
  const all = contenders(filled);
  const measured: Measurement[] = [];
  const servers = new Map<Contender, MeasuredServer>();
  for (const contender of all) {
    servers.set(contender, await MeasuredServer.start(contender.file, { DATABASE_URL: filled.url }));
  }
  const rows: RowName[] = only ?? ['index', 'one user', 'list of 20', 'change', 'sign-in'];
  for (const row of rows) {
    const taking = all.filter((each) => each.rows.includes(row));
    const results = new Map<Contender, { cpu: number; load: Load }[]>();
    for (let round = -1; round < rounds; round++) {
      for (const contender of taking) {
        const server = servers.get(contender);
        if (!server) continue;
        const request = requestOf(row, filled.ids, contender.headers);
        const before = server.cpu();
        // The first round warms up, and does not count.
        const answered = await load(server.url, request, { seconds: round < 0 ? 1 : seconds });
        const cpu = (server.cpu() - before) / Math.max(1, answered.good);
        if (round >= 0) results.set(contender, [...(results.get(contender) ?? []), { cpu, load: answered }]);
      }
    }
    const cpuOf = (contender: Contender | undefined) =>
      contender ? median((results.get(contender) ?? []).map(({ cpu }) => cpu)) : 0;
    const reference = cpuOf(taking.find(({ name }) => name === REFERENCE));
    for (const contender of taking) {
      const loads = (results.get(contender) ?? []).map((each) => each.load);
      measured.push({
        row,
        contender: contender.name,
        cpu: cpuOf(contender),
        perSecond: median(loads.map(({ perSecond }) => perSecond)),
        p50: median(loads.map(({ p50 }) => p50)),
        p99: median(loads.map(({ p99 }) => p99)),
        memory: servers.get(contender)?.memory() ?? 0,
        ratio: reference > 0 ? cpuOf(contender) / reference : null,
        other: loads.reduce((sum, { other }) => sum + other, 0),
      });
    }
  }
  for (const server of servers.values()) await server.stop();
  return measured;
}
