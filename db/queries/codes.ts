/** What is asked of one-time codes. */
import { and, eq, gt } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { given } from '../vocabulary.ts';

export function codeQueries({ build, equals, read, write, tables: { codes, users } }: Engine) {
  const living = and(equals(codes.key, 'key'), gt(codes.expiresAt, given('now')));

  const owner = read(
    build
      .select({ id: users.id, username: users.username, issuerId: codes.issuerId })
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

  return {
    /** @returns the user whose code this is, while it can be used, and who issued it. */
    async findOwner(key: string, now: number) {
      return (await owner({ key, now }))[0];
    },
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
    removeAllOf(userId: string) {
      return removalOfUser({ userId });
    },
  };
}
