/** Queries for one-time codes, which work once and until they expire. */
import { and, eq, inArray, isNotNull, ne } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { equals, pickColumns, placeholder, placeholdersFor } from '../schema/column-types.ts';
import { isWithinLife, timesAt } from './expiry.ts';

type NewCode = Omit<Tables['codes']['$inferSelect'], 'createdAt'>;

export function codeQueries({ build, readOne, write, tables }: Engine) {
  const { codes, memberships, users } = tables;
  const alive = and(equals(codes.key, 'key'), isWithinLife(codes.expiresAt, codes.createdAt));

  const withUser = {
    ...pickColumns(codes, 'userId', 'issuerId', 'issuerTokenId'),
    ...pickColumns(users, 'username', 'email', 'pendingEmail'),
  };
  const one = readOne(
    build
      .select(withUser)
      .from(codes)
      .innerJoin(users, eq(users.id, codes.userId))
      .where(and(alive, eq(users.active, true))),
  );
  const row = placeholdersFor(codes, 'key', 'userId', 'issuerId', 'issuerTokenId', 'expiresAt', 'createdAt');
  const insert = write(build.insert(codes).values(row), 1);
  const use = write(build.delete(codes).where(alive), 1);

  const ofUser = equals(codes.userId, 'userId');
  // The operator's codes stay: the operator may do everything.
  const ofOthers = and(isNotNull(codes.issuerId), ne(codes.issuerId, placeholder('issuerId')));
  const removal = (...conditions: Parameters<typeof and>) =>
    write(build.delete(codes).where(and(...conditions)), 'any');
  const removalOfMember = removal(ofUser, ofOthers);
  const members = build
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(equals(memberships.groupId, 'groupId'));
  const removalOfMembers = removal(inArray(codes.userId, members), ofOthers);
  const removalByIssuer = removal(eq(codes.issuerId, placeholder('issuerId')));
  const removalOfUser = removal(ofUser);

  return {
    /** Reads the code with its user and issuer unless it has expired or its user is disabled. */
    find: (key: string, now: number) => one({ key, ...timesAt(now) }),
    /** Replaces the user's earlier code. */
    issue: (code: NewCode, now: number): Step[] => [
      removalOfUser({ userId: code.userId }),
      insert({ ...code, createdAt: now }),
    ],
    /** Uses the code up: of two concurrent requests, one removes the row. */
    use: (key: string, now: number) => use({ key, ...timesAt(now) }),
    /** Removes the user's codes, except those of that issuer and of the operator. */
    removeOthersOf: (userId: string, issuerId: string) => removalOfMember({ userId, issuerId }),
    removeOthersOfMembers: (groupId: string, issuerId: string) => removalOfMembers({ groupId, issuerId }),
    removeIssuedBy: (issuerId: string) => removalByIssuer({ issuerId }),
    removeAllOf: (userId: string) => removalOfUser({ userId }),
  };
}
