/** Queries for one-time codes. */
import { and, eq, gt, inArray, isNotNull, ne } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { equals, placeholder, placeholdersFor } from '../schema/column-types.ts';

interface NewCode {
  key: string;
  userId: string;
  /** Null when the operator issues it. */
  issuerId: string | null;
  issuerTokenId: string | null;
  expiresAt: number;
}

export function codeQueries({ build, readOne, write, tables }: Engine) {
  const { codes, memberships, tokens, users } = tables;
  const alive = and(equals(codes.key, 'key'), gt(codes.expiresAt, placeholder('now')));

  const one = readOne(
    build
      .select({
        userId: users.id,
        username: users.username,
        issuerId: codes.issuerId,
        issuerTokenId: codes.issuerTokenId,
        issuerScopes: tokens.scopes,
      })
      .from(codes)
      .innerJoin(users, eq(users.id, codes.userId))
      .leftJoin(tokens, eq(tokens.id, codes.issuerTokenId))
      .where(alive),
  );
  const insert = write(
    build.insert(codes).values({
      ...placeholdersFor('key', 'userId', 'issuerId', 'issuerTokenId', 'expiresAt'),
      createdAt: placeholder('now'),
    }),
    1,
  );
  const use = write(build.delete(codes).where(alive), 1);
  const removalOfUser = write(build.delete(codes).where(equals(codes.userId, 'userId')), 'any');

  // The operator's codes stay: the operator may do everything.
  const ofOthers = and(isNotNull(codes.issuerId), ne(codes.issuerId, placeholder('issuerId')));
  const removalOfMember = write(
    build.delete(codes).where(and(equals(codes.userId, 'userId'), ofOthers)),
    'any',
  );
  const members = build
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(equals(memberships.groupId, 'groupId'));
  const removalOfMembers = write(
    build.delete(codes).where(and(inArray(codes.userId, members), ofOthers)),
    'any',
  );
  const removalByIssuer = write(
    build.delete(codes).where(eq(codes.issuerId, placeholder('issuerId'))),
    'any',
  );

  return {
    /** @returns the code with its user and issuer, while it has not expired. */
    find: (key: string, now: number) => one({ key, now }),
    /** Steps that give the user a code in place of an earlier one. */
    issue: (code: NewCode, now: number): Step[] => [
      removalOfUser({ userId: code.userId }),
      insert({ ...code, now }),
    ],
    /** Uses the code up. Of two requests that try, one removes a row. */
    use: (key: string, now: number) => use({ key, now }),
    /** Removes the user's codes, but for those of that issuer and the operator. */
    removeOthersOf: (userId: string, issuerId: string) => removalOfMember({ userId, issuerId }),
    /** Does the same for all members of a group. */
    removeOthersOfMembers: (groupId: string, issuerId: string) => removalOfMembers({ groupId, issuerId }),
    removeIssuedBy: (issuerId: string) => removalByIssuer({ issuerId }),
    removeAllOf: (userId: string) => removalOfUser({ userId }),
  };
}
