/**
 * What a request costs, beside the least that it could cost: each contender serves the same rows from the same database, in
 * several rounds that take turns, and what is compared is the processor time that the operating system counts for it.
 */
import { type Contender, contenders, ROWS, type Row, referenceOf, requestOf } from './contenders.ts';
import { type Filled, fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { load } from './load.ts';
import { keepGeneratorAwake, settle } from './processors.ts';
import type { Load } from './request.ts';
import { MeasuredServer } from './server.ts';

export interface Measurement {
  engine: BenchEngine['name'];
  row: Row;
  contender: string;
  /** Microseconds of processor time for each good answer; the median of the rounds. */
  cpu: number;
  /** How many times that of the reference in the same round, which is bare Fastify, or the hash alone; the median, too. */
  ratio: number | null;
  perSecond: number;
  p50: number;
  p99: number;
  /** Megabytes, after the last round. */
  memory: number;
  /** Answers that were not 2xx, in all rounds. */
  other: number;
}

export interface Turns {
  rounds: number;
  seconds: number;
}

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** @returns the same in an order in which another one is first. */
function rotated<Item>(items: Item[], by: number): Item[] {
  const first = (by + items.length) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Sends one request, and counts what the server needed for it. */
export async function measure(
  server: MeasuredServer,
  ...[requests, options]: [Parameters<typeof load>[1], Parameters<typeof load>[2]]
): Promise<Load & { cpu: number }> {
  const before = server.cpu();
  const answered = await load(server.url, requests, options);
  return { ...answered, cpu: (server.cpu() - before) / Math.max(1, answered.good) };
}

type Running = Contender & { server: MeasuredServer };

async function compareRow(
  { name: engine }: BenchEngine,
  row: Row,
  running: Running[],
  { ids }: Filled,
  { rounds, seconds }: Turns,
): Promise<Measurement[]> {
  const taking = running.filter(({ rows }) => rows.includes(row));
  const results = new Map(taking.map((contender) => [contender, [] as (Load & { cpu: number })[]]));
  // The first round warms up, and does not count.
  for (let round = -1; round < rounds; round++) {
    for (const [{ server, headers }, loads] of rotated([...results], round)) {
      const one = await measure(server, requestOf(row, ids, headers), { seconds: round < 0 ? 2 : seconds });
      if (round >= 0) loads.push(one);
      // It goes on hashing for those who went away.
      if (row === 'sign-in') await settle(() => server.cpu());
    }
  }
  const middle = (loads: (Load & { cpu: number })[], figure: 'cpu' | 'perSecond' | 'p50' | 'p99') =>
    median(loads.map((each) => each[figure]));
  const reference = taking.find(({ name }) => name === referenceOf(row));
  // Round by round, since the machine is now quicker and now slower.
  const referenceCpu = (reference && results.get(reference)?.map(({ cpu }) => cpu)) ?? [];
  const ratioOf = (loads: { cpu: number }[]) =>
    median(loads.map(({ cpu }, round) => cpu / (referenceCpu[round] ?? Number.NaN)));
  return [...results].map(([{ name, server }, loads]) => ({
    engine,
    row,
    contender: name,
    cpu: middle(loads, 'cpu'),
    ratio: reference ? ratioOf(loads) : null,
    perSecond: middle(loads, 'perSecond'),
    p50: middle(loads, 'p50'),
    p99: middle(loads, 'p99'),
    memory: server.memory()[0] ?? 0,
    other: loads.reduce((sum, { other }) => sum + other, 0),
  }));
}

/** Compares the contenders on one engine, among so many users. */
export async function compare(engine: BenchEngine, users: number, turns: Turns): Promise<Measurement[]> {
  const filled = await fill(await engine.makeDatabase(), users);
  const running: Running[] = [];
  const letSleep = keepGeneratorAwake();
  try {
    for (const contender of contenders(engine.name, filled)) {
      const server = await MeasuredServer.start(contender.file, { DATABASE_URL: filled.url });
      running.push({ ...contender, server });
    }
    const measured: Measurement[] = [];
    for (const row of ROWS) measured.push(...(await compareRow(engine, row, running, filled, turns)));
    return measured;
  } finally {
    letSleep();
    for (const { server } of running) await server.stop();
  }
}
