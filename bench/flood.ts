/** Whether those who are signed in notice it when ten times as many sign in as can. */
import { median, type Turns } from './compare.ts';
import { requestOf } from './contenders.ts';
import { fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { load } from './load.ts';
import { keepGeneratorAwake, settle } from './processors.ts';
import type { Load } from './request.ts';
import { MeasuredServer } from './server.ts';

export interface FloodResult {
  engine: BenchEngine['name'];
  /** Sign-ins a second when nothing else is asked for. */
  capacity: number;
  /** Signed-in reads, at the same rate, with nothing else and during the flood: the round in the middle, by their ratio. */
  quiet: Load;
  flooded: Load;
  /** How many times the quiet p99 that of the flood is. */
  ratio: number;
  /** How many sign-ins a second succeeded, and were turned away, during the flood. */
  signedIn: number;
  refused: number;
}

/** Signed-in reads a second: far from what the service could do. */
const RATE = 200;

export async function flood(engine: BenchEngine, { rounds, seconds }: Turns): Promise<FloodResult> {
  const { url, ids, cookie } = await fill(await engine.makeDatabase(), 1000);
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url });
  const read = requestOf('list of 20', ids, { cookie });
  const signIn = requestOf('sign-in', ids, {});
  const reading = { seconds, rate: RATE, connections: 4 };
  const rest = () => settle(() => server.cpu() + engine.cpu());
  const letSleep = keepGeneratorAwake();
  try {
    await load(server.url, read, { seconds: 2 });
    const { perSecond: capacity } = await load(server.url, signIn, { seconds, connections: 8 });
    const results: FloodResult[] = [];
    for (let round = 0; round < rounds; round++) {
      await rest();
      const quiet = await load(server.url, read, reading);
      const [flooded, signIns] = await Promise.all([
        load(server.url, read, reading),
        load(server.url, signIn, { seconds, connections: 200, rate: Math.ceil(capacity * 10) }),
      ]);
      const { perSecond: signedIn, other } = signIns;
      const ratio = flooded.p99 / quiet.p99;
      results.push({
        engine: engine.name,
        capacity,
        quiet,
        flooded,
        ratio,
        signedIn,
        refused: other / seconds,
      });
    }
    const middle = median(results.map(({ ratio }) => ratio));
    const chosen = results.find(({ ratio }) => ratio === middle);
    if (!chosen) throw new Error('There was no round.');
    return chosen;
  } finally {
    letSleep();
    await server.stop();
  }
}
