/**
 * Removes what is over: sessions, codes, counts of attempts, and, if the operator wishes so, old entries of the audit
 * trail. In batches, so that nobody waits long for the locks; each write misses when there is nothing left.
 */
import type { Engine } from '../engine.ts';

export function purgeQueries({ removeLeast, write, tables }: Engine) {
  const { attempts, audit, codes, sessions, tokens } = tables;
  return {
    sessions: write(removeLeast(sessions, sessions.key, sessions.expiresAt), 'some'),
    codes: write(removeLeast(codes, codes.key, codes.expiresAt), 'some'),
    attempts: write(removeLeast(attempts, attempts.key, attempts.expiresAt), 'some'),
    tokens: write(removeLeast(tokens, tokens.key, tokens.expiresAt), 'some'),
    /** By id, which begins with the moment. */
    audit: write(removeLeast(audit, audit.id, audit.id), 'some'),
  };
}
