/**
 * What a request costs, beside the least that it could cost: each contender serves the same rows from the same database, first
 * by itself, and then in the same seconds as the reference. What is compared is the processor time that the operating system
 * counts for each.
 */
import {
  BESIDE_WRITES,
  type Contender,
  contenders,
  READS,
  ROWS,
  type Row,
  referenceOf,
  requestOf,
} from './contenders.ts';
import { type Filled, fill, keepWriting, writeOnce } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { load } from './load.ts';
import { keepGeneratorAwake, settle } from './processors.ts';
import type { Load } from './request.ts';
import { MeasuredServer } from './server.ts';

export interface Measurement {
  engine: BenchEngine['name'];
  row: Row;
  contender: string;
  /** Microseconds of processor time for each good answer, while nobody else was asked; the median of the rounds. */
  cpu: number;
  /**
   * How many times that of the reference, which is bare Fastify, or the hash alone; the median, too. Reads are asked of both in the
   * same seconds for it, so that it is not the quotient of two `cpu`s.
   */
  ratio: number | null;
  perSecond: number;
  p50: number;
  p99: number;
  /** Megabytes, after its turn. */
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
export function rotated<Item>(items: Item[], by: number): Item[] {
  const first = (by + items.length) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Sends requests for so many seconds, and counts what the server needed for each. */
export async function measure(
  server: MeasuredServer,
  ...[requests, options]: [Parameters<typeof load>[1], Parameters<typeof load>[2]]
): Promise<Load & { cpu: number }> {
  const before = server.cpu();
  const answered = await load(server.url, requests, options);
  return { ...answered, cpu: (server.cpu() - before) / Math.max(1, answered.good) };
}

type Running = Contender & { server: MeasuredServer };

/** What one contender did with one request in one round. */
interface Turn extends Load {
  contender: string;
  row: Row;
  round: number;
  cpu: number;
  memory: number;
  /** How many times the reference's processor time it needed in the same seconds; null where they were not asked at once. */
  ratio: number | null;
}

/** How long each serves a row without being measured, in seconds. */
const WARM_UP = 1;
/**
 * And the reads before the first of them, so that their code is compiled: V8 does that again and again as it learns how it is
 * used. A user cost 75 µs in a process's second second of work, and 58 from the fourth on; with bare Fastify 51 and 45, from the
 * third on.
 */
export const FIRST_WARM_UP = 5;

/** All contenders take turns with the request: each by itself, and then, where that can be, each beside the reference. */
async function turnsOf(
  row: Row,
  running: Running[],
  { url, ids }: Filled,
  { seconds }: Turns,
  round: number,
): Promise<Turn[]> {
  const turns: Turn[] = [];
  const taking = running.filter(({ rows }) => rows.includes(row));
  const reference = READS.includes(row) ? taking.find(({ name }) => name === referenceOf(row)) : undefined;
  const ask = ({ server, headers }: Running, length = seconds) =>
    measure(server, requestOf(row, ids, headers), { seconds: length });
  // It goes on hashing for those who went away.
  const rest = async ({ server }: Running) => {
    if (row === 'sign-in') await settle(() => server.cpu());
  };
  const endWrites = row === BESIDE_WRITES ? await keepWriting(url) : undefined;
  try {
    for (const contender of taking) {
      await ask(contender, WARM_UP);
      await rest(contender);
    }
    for (const contender of rotated(taking, round)) {
      const alone = await ask(contender);
      await rest(contender);
      const memory = contender.server.memory()[0] ?? 0;
      const turn: Turn = { ...alone, contender: contender.name, row, round, memory, ratio: null };
      if (reference && contender !== reference) {
        // The same seconds of the same processor: whatever else the machine does, and however fast it is, meets both.
        const [own, its] = await Promise.all([ask(contender), ask(reference)]);
        if (its.other > 0) throw new Error(`${row}: ${its.other} answers of ${reference.name} were not 2xx.`);
        turn.ratio = own.cpu / its.cpu;
        turn.other += own.other;
      }
      turns.push(turn);
    }
  } finally {
    await endWrites?.();
  }
  return turns;
}

/**
 * One round, with servers of its own: how well V8 compiles a server's code is a matter of chance, a tenth and more of what a
 * request costs, and stays as it is for as long as the process lives.
 */
async function oneRound(list: Contender[], filled: Filled, turns: Turns, round: number): Promise<Turn[]> {
  const running: Running[] = [];
  try {
    for (const contender of list) {
      const server = await MeasuredServer.start(contender.file, { DATABASE_URL: filled.url });
      running.push({ ...contender, server });
    }
    for (const row of ['index', 'list of 20', 'one user'] as const) {
      for (const { server, headers, rows } of running) {
        if (!rows.includes(row)) continue;
        await load(server.url, requestOf(row, filled.ids, headers), { seconds: FIRST_WARM_UP });
      }
    }
    // Until somebody has written to a database of SQLite's since it was opened, each read asks the system how large it is: so
    // that those whose turn comes before the first write don't pay for that, and they alone, there is one now.
    await writeOnce(filled.url);
    const taken: Turn[] = [];
    for (const row of ROWS) taken.push(...(await turnsOf(row, running, filled, turns, round)));
    return taken;
  } finally {
    for (const { server } of running) await server.stop();
  }
}

/** Compares the contenders on one engine, among so many users. */
export async function compare(engine: BenchEngine, users: number, turns: Turns): Promise<Measurement[]> {
  const filled = await fill(await engine.makeDatabase(), users);
  const list = contenders(engine.name, filled);
  const taken: Turn[] = [];
  const letSleep = keepGeneratorAwake();
  try {
    for (let round = 0; round < turns.rounds; round++)
      taken.push(...(await oneRound(list, filled, turns, round)));
  } finally {
    letSleep();
  }
  return ROWS.flatMap((row) =>
    list
      .filter(({ rows }) => rows.includes(row))
      .map(({ name }) =>
        summary(
          engine.name,
          row,
          name,
          taken.filter((turn) => turn.row === row),
        ),
      ),
  );
}

function summary(engine: BenchEngine['name'], row: Row, contender: string, taken: Turn[]): Measurement {
  const own = taken.filter((turn) => turn.contender === contender);
  const middle = (figure: 'cpu' | 'perSecond' | 'p50' | 'p99' | 'memory') =>
    median(own.map((turn) => turn[figure]));
  // Where they could not be asked at once, by the turns of one round, since the machine is now quicker and now slower.
  const ratios = own.flatMap(({ round, cpu, ratio }) => {
    const reference = taken.find((turn) => turn.round === round && turn.contender === referenceOf(row));
    return ratio ?? (reference ? cpu / reference.cpu : []);
  });
  return {
    engine,
    row,
    contender,
    cpu: middle('cpu'),
    ratio: ratios.length > 0 ? median(ratios) : null,
    perSecond: middle('perSecond'),
    p50: middle('p50'),
    p99: middle('p99'),
    memory: middle('memory'),
    other: own.reduce((sum, { other }) => sum + other, 0),
  };
}
