/** Guesses passwords from addresses of a test's choice. */
import type { App } from '../../app.ts';
import { Client, PASSWORD } from './service.ts';

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
