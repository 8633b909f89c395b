/** Measures the latency of signed-in reads while ten times more users sign in than the service can hash for. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Turns } from './compare.ts';
import { fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { type Line, median } from './figures.ts';
import { load } from './load.ts';
import { cookieOf } from './people.ts';
import { settle } from './processors.ts';
import { listUsers, range, signIn } from './requests.ts';
import { MeasuredServer } from './server.ts';
import { loadSteadily } from './steady-load.ts';

const THREAD = new URL('steady-load-thread.ts', import.meta.url);
const USERS = 1000;
/** Signed-in reads a second, far below the service's capacity. */
const RATE = 200;

export async function flood(engine: BenchEngine, { rounds, seconds }: Turns): Promise<Line[]> {
  const url = await engine.makeDatabase();
  await fill(url, USERS);
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url });
  const reads = range(0, RATE * seconds).map(() => listUsers({ cookie: cookieOf(0) }));
  /** @returns the 99th percentile of the latency. */
  const read = async () => {
    const times = await loadSteadily(server.url, reads, RATE);
    if (times.length < reads.length) throw new Error('Not all of the reads were answered with 2xx.');
    return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
  };
  await load(server.url, reads, 2);
  const { perSecond } = await load(server.url, signIn(range(0, USERS)), seconds);
  const signIns = signIn(range(0, Math.ceil(10 * perSecond * seconds)).map((number) => number % USERS));
  const memoryBefore = Math.max(...server.memory());
  const results: { quiet: number; flooded: number; signedIn: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    await settle(() => server.cpu() + engine.cpu());
    const quiet = await read();
    const workerData = { url: server.url, requests: signIns, rate: 10 * perSecond };
    const signingIn = once(new Worker(THREAD, { workerData }), 'message');
    const [flooded, [signedIn]] = await Promise.all([read(), signingIn]);
    results.push({ quiet, flooded, signedIn: signedIn.length });
  }
  const memoryAfter = Math.max(...server.memory());
  await server.stop();
  return [
    {
      engine: engine.name,
      'p99 of reads, ms': median(results.map(({ quiet }) => quiet)),
      'beside sign-ins, ms': median(results.map(({ flooded }) => flooded)),
      ratio: median(results.map(({ quiet, flooded }) => flooded / quiet)),
      'sign-ins a second that can be': perSecond,
      'sign-ins': signIns.length,
      'of these 2xx': median(results.map(({ signedIn }) => signedIn)),
      'memory before, MB': memoryBefore,
      'memory after, MB': memoryAfter,
    },
  ];
}
