/** What is asked of one-time codes. */
import { and, eq, gt, inArray, isNotNull, ne } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { given } from '../vocabulary.ts';

export function codeQueries({
  build,
  equals,
  readOne,
  write,
  tables: { codes, memberships, users },
}: Engine) {
  const living = and(equals(codes.key, 'key'), gt(codes.expiresAt, given('now')));

  const owner = readOne(
    build
      .select({ id: users.id, username: users.username })
      .from(codes)
      .innerJoin(users, eq(users.id, codes.userId))
      .where(living),
  );
  const insert = write(
    build.insert(codes).values({
      key: given('key'),
      userId: given('userId'),
      issuerId: given('issuerId'),
      createdAt: given('now'),
      expiresAt: given('expiresAt'),
    }),
    1,
  );
  const use = write(build.delete(codes).where(living), 1);
  const removalOfUser = write(build.delete(codes).where(equals(codes.userId, 'userId')), 'any');

  // Of the operator, who may do everything, they stay.
  const ofOthers = and(isNotNull(codes.issuerId), ne(codes.issuerId, given('issuerId')));
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
  const removalByIssuer = write(build.delete(codes).where(eq(codes.issuerId, given('issuerId'))), 'any');

  return {
    /** @returns the user whose code this is, while it can be used. */
    findOwner: (key: string, now: number) => owner({ key, now }),
    /** Writes that give the user a code, and take back the one that they had. */
    issue(
      code: { key: string; userId: string; issuerId: string | null; expiresAt: number },
      now: number,
    ): Write[] {
      return [removalOfUser({ userId: code.userId }), insert({ ...code, now })];
    },
    /** Uses the code up; of two requests that try, one touches a row. */
    use(key: string, now: number) {
      return use({ key, now });
    },
    /**
     * Takes back a user's codes, for when they come to hold more: whoever else has issued one would get hold of it.
     * @param issuerId whose codes stay, since they hold all that they give.
     */
    removeOf(userId: string, issuerId: string) {
      return removalOfMember({ userId, issuerId });
    },
    /** The same of all members of a group. */
    removeOfMembers(groupId: string, issuerId: string) {
      return removalOfMembers({ groupId, issuerId });
    },
    removeIssuedBy(issuerId: string) {
      return removalByIssuer({ issuerId });
    },
    removeAllOf(userId: string) {
      return removalOfUser({ userId });
    },
  };
}
