/** Whether a request costs the same among a thousand users, each with a session, and among a million. */
import { FIRST_WARM_UP, median, rotated } from './compare.ts';
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
  /** Seconds that filling the database took. */
  filled: number;
  /** Megabytes on the disk. */
  size: number;
  /** Microseconds of processor time for each answer, by request: of the server, and of the database server. */
  cpu: Record<string, number>;
  /** How many times that among the fewest users who can ask that, in the same round; the median, as of the time. */
  ratio: Record<string, number>;
}

/**
 * How many users take turns in asking and in being asked for: as many as there are in the smallest database, whose rows a process
 * keeps; and twice as many as it keeps, where there are so many. (With wrk alone: autocannon's connections each begin with the
 * first of a list, so that each user would be asked for several times in a row.)
 */
const FEW = 1_000;
const MANY = 20_000;
const BY_FEW = 'one user';
const BY_MANY = 'one user, of 20,000 in turn';
/** How many different places in the list, and words to search for. */
const PLACES = 100;

/** @returns what was asked for among the most users: some of it asks for more of them than the others have. */
export function requestsIn(rows: ScaleRow[]): string[] {
  return Object.keys(rows.at(-1)?.cpu ?? {});
}

/** @returns so many numbers below the limit, spread evenly, in an order that jumps about. */
function spread(count: number, limit: number): number[] {
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
  const places = spread(PLACES, ids.length);
  const askedBy = (count: number) =>
    spread(Math.min(count, ids.length), ids.length).map((number) =>
      get(`/api/users/${ids[ids.length - 1 - number]}`, cookieOf(number)),
    );
  return {
    [BY_FEW]: askedBy(FEW),
    ...(ids.length >= MANY && GENERATOR === 'wrk' ? { [BY_MANY]: askedBy(MANY) } : {}),
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

/** The sizes, from the least on, take turns, so that none has the quiet minutes of the machine for itself. */
export async function scale(
  engine: BenchEngine,
  sizes: number[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<ScaleRow[]> {
  const sized: Sized[] = [];
  for (const users of sizes) sized.push(await prepare(engine, users));
  await settle(engine.cpu);
  const letSleep = keepGeneratorAwake();
  try {
    for (const { server, requests } of sized)
      await load(server.url, requests[BY_FEW] ?? [], { seconds: FIRST_WARM_UP });
    for (const name of Object.keys(sized.at(-1)?.requests ?? {})) {
      const asked = sized.filter(({ requests }) => name in requests);
      const costs = asked.map(() => [] as number[]);
      // Each goes on where its turn before ended, or those at the end of a long row of users would never be asked for.
      const answers = asked.map(() => 0);
      for (let round = -1; round < rounds; round++) {
        for (const [index, { server, requests, row }] of rotated([...asked.entries()], round)) {
          const before = server.cpu() + engine.cpu();
          const list = rotated([requests[name] ?? []].flat(), answers[index] ?? 0);
          const { good, other } = await load(server.url, list, { seconds });
          if (other > 0) throw new Error(`${name} among ${row.users}: ${other} answers were not 2xx.`);
          // The first round warms up, and does not count.
          if (round >= 0) costs[index]?.push((server.cpu() + engine.cpu() - before) / Math.max(1, good));
          answers[index] = (answers[index] ?? 0) + good;
        }
      }
      const [fewest = []] = costs;
      for (const [index, { row }] of asked.entries()) {
        const own = costs[index] ?? [];
        row.cpu[name] = median(own);
        row.ratio[name] = median(own.map((cost, round) => cost / (fewest[round] ?? cost)));
      }
    }
  } finally {
    letSleep();
    for (const { server } of sized) await server.stop();
  }
  return sized.map(({ row }) => row);
}
