/** Measures the latency of signed-in reads while ten times more users sign in than the service can hash for. */
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
  /** Sign-ins a second without other load. */
  capacity: number;
  /** Signed-in reads at a constant rate, without and with the flood, in the round with the median ratio. */
  quiet: Load;
  flooded: Load;
  /** The flooded p99 relative to the quiet one. */
  ratio: number;
  /** Accepted and refused sign-ins a second during the flood. */
  signedIn: number;
  refused: number;
}

/** Signed-in reads a second, far below the service's capacity. */
const RATE = 200;

export async function flood(engine: BenchEngine, { rounds, seconds }: Turns): Promise<FloodResult> {
  const { url, ids, cookie } = await fill(await engine.makeDatabase(), 1000);
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url });
  const read = requestOf('list of 20', ids, { cookie });
  const signIn = requestOf('sign-in', ids, {});
  const reading = { seconds, rate: RATE, connections: 4 };
  const waitUntilIdle = () => settle(() => server.cpu() + engine.cpu());
  const stopBusyLoop = keepGeneratorAwake();
  try {
    await load(server.url, read, { seconds: 2 });
    const { perSecond: capacity } = await load(server.url, signIn, { seconds, connections: 8 });
    const results: FloodResult[] = [];
    for (let round = 0; round < rounds; round++) {
      await waitUntilIdle();
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
    stopBusyLoop();
    await server.stop();
  }
}
