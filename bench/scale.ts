/** Measures how the cost of a request depends on the number of users, each of whom has a session. */
import { FIRST_WARM_UP, median, rotate } from './compare.ts';
import { requestOf } from './contenders.ts';
import { type Filled, fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { GENERATOR, load } from './load.ts';
import { keepGeneratorAwake, settle } from './processors.ts';
import type { Request } from './request.ts';
import { MeasuredServer } from './server.ts';

export interface ScaleRow {
  engine: BenchEngine['name'];
  users: number;
  /** The time to fill the database, in seconds. */
  filled: number;
  /** The size on disk in megabytes. */
  size: number;
  /** The CPU time of the server and the database server for each response, by request, in microseconds. */
  cpu: Record<string, number>;
  /** The CPU time relative to the smallest database in the same round; the median of the rounds. */
  ratio: Record<string, number>;
}

/**
 * How many users send and receive requests in turn. FEW fit into the row cache. MANY are twice its capacity, and need
 * wrk: autocannon's connections all begin with the first request, so each user would come several times in a row.
 */
const FEW = 1_000;
const MANY = 20_000;
const BY_FEW = 'one user';
const BY_MANY = 'one user, of 20,000 in turn';
/** How many different positions in the list, and search texts. */
const PLACES = 100;

/** @returns the requests of the largest database: smaller ones have too few users for some requests. */
export function requestsIn(rows: ScaleRow[]): string[] {
  return Object.keys(rows.at(-1)?.cpu ?? {});
}

/** @returns evenly spread numbers below the limit, in a shuffled but fixed order. */
function spreadEvenly(count: number, limit: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.floor((((index * 7919) % count) + 0.5) * (limit / count)),
  );
}

function requests({ ids, cookieOf }: Filled): Record<string, Request | Request[]> {
  const headers = { cookie: cookieOf(0) };
  const get = (path: string, cookie = headers.cookie): Request => ({
    method: 'GET',
    path,
    headers: { cookie },
  });
  const places = spreadEvenly(PLACES, ids.length);
  const requestsOfUsers = (count: number) =>
    spreadEvenly(Math.min(count, ids.length), ids.length).map((number) =>
      get(`/api/users/${ids[ids.length - 1 - number]}`, cookieOf(number)),
    );
  return {
    [BY_FEW]: requestsOfUsers(FEW),
    ...(ids.length >= MANY && GENERATOR === 'wrk' ? { [BY_MANY]: requestsOfUsers(MANY) } : {}),
    'list of 20': get('/api/users?limit=20'),
    'page deep in the list': places.map((number) =>
      get(`/api/users?limit=20&after=${ids[Math.floor(number * 0.9)]}`),
    ),
    'search, one found': places.map((number) => get(`/api/users?q=user${number}@&limit=20`)),
    'search, many found': get('/api/users?q=u&limit=20'),
    'sign-in': requestOf('sign-in', ids, {}),
  };
}

interface Sized {
  row: ScaleRow;
  server: MeasuredServer;
  requests: Record<string, Request | Request[]>;
}

async function prepare(engine: BenchEngine, users: number): Promise<Sized> {
  const url = await engine.makeDatabase();
  const begin = performance.now();
  const filled = await fill(url, users);
  const seconds = (performance.now() - begin) / 1000;
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url });
  const row = { engine: engine.name, users, filled: seconds, size: engine.size(url), cpu: {}, ratio: {} };
  return { row, server, requests: requests(filled) };
}

/** The databases take turns, so that changes of the machine's speed affect all sizes alike. @param sizes ascending. */
export async function scale(
  engine: BenchEngine,
  sizes: number[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<ScaleRow[]> {
  const sized: Sized[] = [];
  for (const users of sizes) sized.push(await prepare(engine, users));
  await settle(engine.cpu);
  const stopBusyLoop = keepGeneratorAwake();
  try {
    for (const { server, requests } of sized)
      await load(server.url, requests[BY_FEW] ?? [], { seconds: FIRST_WARM_UP });
    for (const name of Object.keys(sized.at(-1)?.requests ?? {})) {
      const participants = sized.filter(({ requests }) => name in requests);
      const costs = participants.map(() => [] as number[]);
      // Each turn continues where the previous one ended, so that the last users of a long list have a turn, too.
      const responses = participants.map(() => 0);
      for (let round = -1; round < rounds; round++) {
        for (const [index, { server, requests, row }] of rotate([...participants.entries()], round)) {
          const before = server.cpu() + engine.cpu();
          const list = rotate([requests[name] ?? []].flat(), responses[index] ?? 0);
          const { good, other } = await load(server.url, list, { seconds });
          if (other > 0) throw new Error(`${name} among ${row.users}: ${other} answers were not 2xx.`);
          // Round -1 is a warm-up.
          if (round >= 0) costs[index]?.push((server.cpu() + engine.cpu() - before) / Math.max(1, good));
          responses[index] = (responses[index] ?? 0) + good;
        }
      }
      const [fewest = []] = costs;
      for (const [index, { row }] of participants.entries()) {
        const own = costs[index] ?? [];
        row.cpu[name] = median(own);
        row.ratio[name] = median(own.map((cost, round) => cost / (fewest[round] ?? cost)));
      }
    }
  } finally {
    stopBusyLoop();
    for (const { server } of sized) await server.stop();
  }
  return sized.map(({ row }) => row);
}
