/** Guesses passwords from addresses of a test's choice. */
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { Settings } from '../../config/load.ts';
import { stopTheClock } from './clock.ts';
import type { TestEngine } from './engines.ts';
import { Client, PASSWORD, quickHashing, startService } from './service.ts';

/** How many requests are sent at once: no more than wait for their turn. */
const AT_ONCE = 10;

/** @returns a different address for each number below 65,536. */
export const addressOf = (number: number) => `10.0.${number >> 8}.${number & 255}`;

/** Sends a request as if from that address, which TRUST_PROXY lets it say. */
export function sendFrom(app: App, address: string, path: string, body: object) {
  return new Client(app).request('POST', path, body, { 'x-forwarded-for': address });
}

/** @returns a function that signs in from an address, and its status. */
export const signInFrom =
  (app: App) =>
  async (address: string, username: string, password = PASSWORD): Promise<number> =>
    (await sendFrom(app, address, '/api/sign/in', { username, password })).statusCode;

/** Starts the service with a stopped clock, and counts the passwords that are looked at. */
export async function startGuessing(t: Test, engine: TestEngine, more: Partial<Settings> = {}) {
  const counted = { checks: 0 };
  const hashing: typeof quickHashing = {
    ...quickHashing,
    verify: (hashed, password) => {
      counted.checks++;
      return quickHashing.verify(hashed, password);
    },
  };
  const settings = { TRUST_PROXY: true, WORKERS: 1, ...more };
  const { app } = await startService(t, engine, { hashing, settings });
  return { app, counted, advance: stopTheClock(t), signIn: signInFrom(app) };
}

/** Fails so many times: with passwords for unknown names, or faster with codes. */
export async function fail(
  app: App,
  times: number,
  from: (time: number) => string,
  way: 'password' | 'code',
) {
  const path = way === 'code' ? '/api/sign/reset' : '/api/sign/in';
  const failOnce = (time: number) => {
    const body = way === 'code' ? { code: 'x' } : { username: `unknown-${time}` };
    return sendFrom(app, from(time), path, { ...body, password: 'a wrong password' });
  };
  const all = Array.from({ length: times }, (_, time) => time);
  for (let start = 0; start < times; start += AT_ONCE)
    await Promise.all(all.slice(start, start + AT_ONCE).map(failOnce));
}

let networks = 0;

/** Guesses the password of that name, from another network each time. @returns the statuses. */
export async function guess(app: App, name: string, times: number): Promise<number[]> {
  const statuses = [];
  for (let time = 0; time < times; time++)
    statuses.push(await signInFrom(app)(addressOf(networks++), name, 'wrong'));
  return statuses;
}
