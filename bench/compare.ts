/**
 * Compares the CPU time of a request in Rollcall with that in a reference, which does the least that has to be done. Both
 * serve the same rows from the same database.
 */
import type { Request } from 'autocannon';
import { hasTokens } from '../test/support/optional.ts';
import { fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { type Line, median } from './figures.ts';
import { cookieOf, TOKEN } from './people.ts';
import { settle } from './processors.ts';
import { changeUsers, listUsers, range, readUser, signIn } from './requests.ts';
import { MeasuredServer } from './server.ts';
import { keepWriting } from './writer.ts';

export interface Turns {
  rounds: number;
  seconds: number;
}

type Make = (headers: Request['headers']) => Request[];

interface Row {
  request: string;
  make: Make;
  /** Whether both answer in the same seconds. Writes and hashes would wait for each other. */
  atOnce?: true;
  besideWrites?: true;
}

interface Pair {
  caller: string;
  headers: Request['headers'];
  /** The server's file. */
  reference: string;
  /** More settings of our server. */
  settings?: Record<string, string>;
  rows: Row[];
}

const USERS = 1000;
/** How long a server answers before each row is measured, and before the first, in seconds: V8 compiles hot code several times at first. */
export const WARM_UP = 6;
const FIRST_WARM_UP = 12;

const readOne: Make = (headers) => [readUser(USERS / 2, headers)];

const BESIDE_BARE = {
  reference: 'bench/servers/bare-fastify.ts',
  rows: [
    { request: 'one user', make: readOne, atOnce: true },
    { request: 'one user, beside writes', make: readOne, atOnce: true, besideWrites: true },
    { request: 'list of 20', make: (headers) => [listUsers(headers)], atOnce: true },
    // Not of the first user, whose token may not change its owner.
    { request: 'change', make: (headers) => changeUsers(range(1, 100), headers) },
  ],
} satisfies Partial<Pair>;

const BESIDE_HASH = {
  reference: 'bench/servers/hash.ts',
  rows: [{ request: 'sign-in', make: () => signIn(range(0, USERS)) }],
};

const PAIRS: Pair[] = [
  { caller: 'cookie', headers: { cookie: cookieOf(0) }, ...BESIDE_BARE },
  ...(hasTokens ? [{ caller: 'token', headers: { authorization: `Bearer ${TOKEN}` }, ...BESIDE_BARE }] : []),
  { caller: 'nobody', headers: {}, ...BESIDE_HASH },
  {
    caller: 'cookie, with metrics',
    headers: { cookie: cookieOf(0) },
    settings: { METRICS_PORT: '0' },
    reference: BESIDE_BARE.reference,
    rows: BESIDE_BARE.rows.slice(0, 1),
  },
];

/**
 * Measures each row once, with new server processes: V8 compiles the same code better or worse by chance, and a process
 * keeps that for as long as it lives.
 */
async function runRound(url: string, { headers, reference, rows, settings }: Pair, seconds: number) {
  const own = await MeasuredServer.start('server.ts', { DATABASE_URL: url, ...settings });
  const other = await MeasuredServer.start(reference, { DATABASE_URL: url });
  // Until the first write after opening, each read on SQLite makes an additional system call. This write ends that.
  await (await keepWriting(url))();
  const turns: { own: number; reference: number }[] = [];
  for (const [index, { make, atOnce, besideWrites }] of rows.entries()) {
    const stopWriting = besideWrites ? await keepWriting(url) : undefined;
    const ownCost = (length: number) => own.costOf(make(headers), length);
    const otherCost = (length: number) => other.costOf(make({}), length);
    const warmUp = index === 0 ? FIRST_WARM_UP : WARM_UP;
    await ownCost(warmUp);
    await otherCost(warmUp);
    await settle(() => own.cpu() + other.cpu());
    const running = ownCost(seconds);
    // At once on the same CPU, other load on the machine affects both alike.
    if (!atOnce) await running;
    const [cost, least] = await Promise.all([running, otherCost(seconds)]);
    turns.push({ own: cost, reference: least });
    await stopWriting?.();
  }
  await own.stop();
  await other.stop();
  return turns;
}

export async function compare(engine: BenchEngine, { rounds, seconds }: Turns): Promise<Line[]> {
  const url = await engine.makeDatabase();
  await fill(url, USERS);
  const lines: Line[] = [];
  for (const pair of PAIRS) {
    const taken: Awaited<ReturnType<typeof runRound>>[] = [];
    for (let round = 0; round < rounds; round++) taken.push(await runRound(url, pair, seconds));
    for (const [index, { request }] of pair.rows.entries()) {
      const turns = taken.flatMap((round) => round[index] ?? []);
      lines.push({
        engine: engine.name,
        request,
        caller: pair.caller,
        'CPU µs': median(turns.map(({ own }) => own)),
        'of the reference': median(turns.map(({ reference }) => reference)),
        ratio: median(turns.map(({ own, reference }) => own / reference)),
      });
    }
  }
  return lines;
}
