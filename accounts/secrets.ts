/**
 * Secrets that are shown once and kept as a hash: API tokens and one-time codes. Each begins with what it is and ends with
 * a checksum (CRC-32), so that scanners find one that has leaked, and a mistyped one needs no look into the database.
 */
import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const RANDOM_BYTES = 32;
const SHAPE = /^(rc_|rcc_)([\w-]{43})([0-9a-f]{8})$/;

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0');

/** @returns a new secret: the prefix, 256 random bits in base64url, and the checksum of both. */
export function makeSecret(prefix: 'rc_' | 'rcc_'): string {
  const text = prefix + randomBytes(RANDOM_BYTES).toString('base64url');
  return text + checksum(text);
}

/** @returns whether the text is a secret of that kind, as far as can be told without the database. */
export function isSecret(prefix: 'rc_' | 'rcc_', text: string): boolean {
  const [, own, random, sum] = SHAPE.exec(text) ?? [];
  return own === prefix && checksum(prefix + random) === sum;
}

/** @returns what the database knows the secret by: its SHA-256 in base64url. */
export function keyOf(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
