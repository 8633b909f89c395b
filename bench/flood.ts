/** Whether those who are signed in notice it when ten times as many sign in as can. */
import { requestOf } from './compare.ts';
import type { Filled } from './database.ts';
import { type Load, load } from './load.ts';
import { MeasuredServer } from './server.ts';

export interface FloodResult {
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

export async function flood(filled: Filled, seconds: number): Promise<FloodResult> {
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: filled.url }, {});
  const read = requestOf('list of 20', filled.ids, { cookie: filled.cookie });
  const signIn = requestOf('sign-in', filled.ids, {});
  const reading = { seconds, rate: RATE, connections: 4 };
  await load(server.url, read, { ...reading, seconds: 1 });
  const capacity = (await load(server.url, signIn, { seconds, connections: 8 })).perSecond;
  const quiet = await load(server.url, read, reading);
  const [flooded, signIns] = await Promise.all([
    load(server.url, read, reading),
    load(server.url, signIn, { seconds, connections: 200, rate: Math.ceil(capacity * 10) }),
  ]);
  await server.stop();
  return {
    capacity,
    quiet,
    flooded,
    signedIn: signIns.perSecond,
    refused: signIns.other / signIns.seconds,
  };
}
