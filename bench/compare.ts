/**
 * Compares the CPU time of a request between Rollcall and other servers. Each contender serves the same rows from the
 * same database, first alone and then concurrently with the reference.
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
  /** Microseconds of CPU time for each 2xx response, while only this server had load; the median of the rounds. */
  cpu: number;
  /**
   * The CPU time relative to the reference (bare Fastify, or the hash alone); the median of the rounds. For reads it
   * comes from concurrent runs, so it is not the quotient of two `cpu` values.
   */
  ratio: number | null;
  perSecond: number;
  p50: number;
  p99: number;
  /** In megabytes, after its turn. */
  memory: number;
  /** Responses other than 2xx, in all rounds. */
  other: number;
}

export interface Turns {
  rounds: number;
  seconds: number;
}

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Rotates the order, so that each round begins with another item. */
export function rotate<Item>(items: Item[], by: number): Item[] {
  const first = (by + items.length) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Sends requests and measures the server's CPU time for each. */
async function measure(
  server: MeasuredServer,
  ...[requests, options]: [Parameters<typeof load>[1], Parameters<typeof load>[2]]
): Promise<Load & { cpu: number }> {
  const before = server.cpu();
  const result = await load(server.url, requests, options);
  return { ...result, cpu: (server.cpu() - before) / Math.max(1, result.good) };
}

type Running = Contender & { server: MeasuredServer };

/** The result of one contender for one request in one round. */
interface Turn extends Load {
  contender: string;
  row: Row;
  round: number;
  cpu: number;
  memory: number;
  /** The CPU time relative to the reference in a concurrent run; null without such a run. */
  ratio: number | null;
}

/** How long each contender serves a row before it is measured, in seconds. */
const WARM_UP = 1;
/** A longer first warm-up, in seconds: V8 recompiles hot code several times in a process's first seconds. */
export const FIRST_WARM_UP = 5;

/** Measures each contender alone and then, for reads, concurrently with the reference. */
async function turnsOf(
  row: Row,
  running: Running[],
  { url, ids }: Filled,
  { seconds }: Turns,
  round: number,
): Promise<Turn[]> {
  const turns: Turn[] = [];
  const participants = running.filter(({ rows }) => rows.includes(row));
  const reference = READS.includes(row)
    ? participants.find(({ name }) => name === referenceOf(row))
    : undefined;
  const measureRow = ({ server, headers }: Running, length = seconds) =>
    measure(server, requestOf(row, ids, headers), { seconds: length });
  // The server still hashes for clients that have disconnected.
  const waitUntilIdle = async ({ server }: Running) => {
    if (row === 'sign-in') await settle(() => server.cpu());
  };
  const stopWriting = row === BESIDE_WRITES ? await keepWriting(url) : undefined;
  try {
    for (const contender of participants) {
      await measureRow(contender, WARM_UP);
      await waitUntilIdle(contender);
    }
    for (const contender of rotate(participants, round)) {
      const alone = await measureRow(contender);
      await waitUntilIdle(contender);
      const memory = contender.server.memory()[0] ?? 0;
      const turn: Turn = { ...alone, contender: contender.name, row, round, memory, ratio: null };
      if (reference && contender !== reference) {
        // Both run at the same time on the same CPU, so other load on the machine affects both alike.
        const [own, its] = await Promise.all([measureRow(contender), measureRow(reference)]);
        if (its.other > 0) throw new Error(`${row}: ${its.other} answers of ${reference.name} were not 2xx.`);
        turn.ratio = own.cpu / its.cpu;
        turn.other += own.other;
      }
      turns.push(turn);
    }
  } finally {
    await stopWriting?.();
  }
  return turns;
}

/**
 * Runs one round with new server processes: V8 compiles the same code better or worse by chance, and a process keeps
 * that for as long as it lives.
 */
async function runRound(list: Contender[], filled: Filled, turns: Turns, round: number): Promise<Turn[]> {
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
    // Until the first write after opening, each read on SQLite makes an additional system call. This write ends that
    // for all contenders alike.
    await writeOnce(filled.url);
    const taken: Turn[] = [];
    for (const row of ROWS) taken.push(...(await turnsOf(row, running, filled, turns, round)));
    return taken;
  } finally {
    for (const { server } of running) await server.stop();
  }
}

export async function compare(engine: BenchEngine, users: number, turns: Turns): Promise<Measurement[]> {
  const filled = await fill(await engine.makeDatabase(), users);
  const list = contenders(engine.name, filled);
  const taken: Turn[] = [];
  const stopBusyLoop = keepGeneratorAwake();
  try {
    for (let round = 0; round < turns.rounds; round++)
      taken.push(...(await runRound(list, filled, turns, round)));
  } finally {
    stopBusyLoop();
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
  // Without a concurrent run, compare turns of the same round, because the machine's speed changes over time.
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
