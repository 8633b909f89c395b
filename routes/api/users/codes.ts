/** Issues one-time codes: when a user is made without a password, and when one has forgotten theirs. */
import type { FastifyInstance } from 'fastify';
import { instant } from '../../../schemas/instant.ts';
import { keyOf, makeSecret } from '../../../schemas/secrets.ts';

/** How long codes can be used, in milliseconds. */
export const RESET_LIFETIME = 60 * 60 * 1000;
export const INVITATION_LIFETIME = 3 * 24 * 60 * 60 * 1000;

/**
 * @param issuerId who issues it; null for the operator.
 * @param lifetime in milliseconds.
 * @returns the writes that issue a code, and what is shown of it, once.
 */
export function issueCode(
  db: FastifyInstance['db'],
  userId: string,
  issuerId: string | null,
  lifetime: number,
) {
  const code = makeSecret('rcc_');
  const now = Date.now();
  const expiresAt = now + lifetime;
  return {
    writes: db.codes.issue({ key: keyOf(code), userId, issuerId, expiresAt }, now),
    shown: { code, expiresAt: instant(expiresAt) },
  };
}
