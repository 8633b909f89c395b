/** Says who the users of the bench are. All about a user follows from their number, so no list of a million is kept. */
import { createHmac, hash } from 'node:crypto';
import { makeSecret } from '../accounts/secrets.ts';
import { makeSecret as newKey } from '../config/secret.ts';

/** All measured servers sign their cookies with this key. */
export const SECRET_KEY = newKey();
export const PASSWORD = 'correct horse battery staple';
/** The API token of the first user, who has every permission. */
export const TOKEN = makeSecret('rc_');

/** @returns an id in the form of a UUIDv7. Ids sort by their number. @param kind a hexadecimal digit. */
export function makeId(number: number, kind: string): string {
  const digits = (Date.UTC(2026, 0, 1) + number).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${kind}${number.toString(16).padStart(11, '0')}`;
}

export const userId = (number: number) => makeId(number, 'a');

export const usernameOf = (number: number) => `user${number}`;

export const sessionSecretOf = (number: number) => hash('sha256', `${SECRET_KEY} ${number}`, 'base64url');

/** @returns the Cookie header of a user's session. */
export function cookieOf(number: number): string {
  const secret = sessionSecretOf(number);
  return `rollcall=${secret}.${createHmac('sha256', SECRET_KEY).update(secret).digest('base64url')}`;
}
