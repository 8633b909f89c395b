/**
 * Removes what is over: sessions, codes, counts of attempts, and, if the operator wishes so, old entries of the audit
 * trail. In batches, so that nobody waits long for the locks.
 */
import type { AnyColumn } from 'drizzle-orm';
import { sql } from '../drizzle.ts';
import type { Engine } from '../engine.ts';
import { given } from '../vocabulary.ts';

type Removal = (values: {
  before: number | string;
  limit: number;
}) => ReturnType<ReturnType<Engine['write']>>;

export function purgeQueries({ build, write, tables }: Engine) {
  const { attempts, audit, codes, sessions, tokens } = tables;

  /** @returns a write that removes some of the rows whose moment came before; it misses when there is none. */
  function removal(table: Parameters<typeof build.delete>[0], key: AnyColumn, moment: AnyColumn): Removal {
    // A query inside a query, since MySQL knows no LIMIT in the one behind IN.
    const oldest = sql`SELECT ${key} FROM ${table} WHERE ${moment} < ${given('before')} ORDER BY ${moment} LIMIT ${given('limit')}`;
    return write(build.delete(table).where(sql`${key} IN (SELECT * FROM (${oldest}) AS oldest)`), 'some');
  }

  return {
    sessions: removal(sessions, sessions.key, sessions.expiresAt),
    codes: removal(codes, codes.key, codes.expiresAt),
    attempts: removal(attempts, attempts.key, attempts.expiresAt),
    tokens: removal(tokens, tokens.key, tokens.expiresAt),
    /** By id, which begins with the moment. */
    audit: removal(audit, audit.id, audit.id),
  };
}
