/** Whether those who are signed in notice it when ten times as many sign in as can. */
import { median } from './compare.ts';
import { requestOf } from './contenders.ts';
import { fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { type Load, load } from './load.ts';
import { MeasuredServer } from './server.ts';

export interface FloodResult {
  engine: BenchEngine['name'];
  /** Sign-ins a second when nothing else is asked for. */
  capacity: number;
  /** Signed-in reads, at the same rate, with nothing else and during the flood. */
  quiet: Load;
  flooded: Load;
  /** How many sign-ins a second succeeded, and were turned away, during the flood. */
  signedIn: number;
  refused: number;
}

/** Signed-in reads a second: far from what the service could do. */
const RATE = 200;

export async function flood(
  engine: BenchEngine,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<FloodResult> {
  const filled = await fill(await engine.makeDatabase(), 1000);
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: filled.url });
  const read = requestOf('list of 20', filled.ids, { cookie: filled.cookie });
  const signIn = requestOf('sign-in', filled.ids, {});
  const reading = { seconds, rate: RATE, connections: 4 };
  try {
    await load(server.url, read, { ...reading, seconds: 2 });
    const { perSecond: capacity } = await load(server.url, signIn, { seconds, connections: 8 });
    const all: { quiet: Load; flooded: Load; signIns: Load }[] = [];
    for (let round = 0; round < rounds; round++) {
      const quiet = await load(server.url, read, reading);
      const [flooded, signIns] = await Promise.all([
        load(server.url, read, reading),
        load(server.url, signIn, { seconds, connections: 200, rate: Math.ceil(capacity * 10) }),
      ]);
      all.push({ quiet, flooded, signIns });
    }
    // One whole round, so that its figures belong together: the one in the middle by what the flood made of the reads.
    const middle = median(all.map(({ flooded }) => flooded.p99));
    const chosen = all.find(({ flooded }) => flooded.p99 === middle);
    if (!chosen) throw new Error('There was no round.');
    const { quiet, flooded, signIns } = chosen;
    return {
      ...{ engine: engine.name, capacity, quiet, flooded, signedIn: signIns.perSecond },
      refused: signIns.other / seconds,
    };
  } finally {
    await server.stop();
  }
}
