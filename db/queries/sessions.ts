/** What is asked of sessions. The first query is on the way of every signed-in request. */
import { and, eq, lt } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { given, givenAs } from '../vocabulary.ts';

interface SessionStart {
  key: string;
  id: string;
  userId: string;
  now: number;
  expiresAt: number;
  endsAt: number;
  address: string;
  userAgent: string;
}

export type SessionRow = NonNullable<Awaited<ReturnType<ReturnType<typeof sessionQueries>['find']>>>;

export function sessionQueries({ build, equals, read, write, tables: { sessions, users } }: Engine) {
  const byKey = read(
    build
      .select({
        id: sessions.id,
        createdAt: sessions.createdAt,
        lastSeenAt: sessions.lastSeenAt,
        confirmedAt: sessions.confirmedAt,
        expiresAt: sessions.expiresAt,
        endsAt: sessions.endsAt,
        userId: users.id,
        username: users.username,
        active: users.active,
      })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(equals(sessions.key, 'key')),
  );
  // Only for a user who is active at this moment: who is being disabled does not slip in beside it.
  const insert = write(
    build.insert(sessions).select(
      build
        .select({
          key: givenAs('key', sessions.key).as('key'),
          id: givenAs('id', sessions.id).as('id'),
          userId: users.id,
          createdAt: givenAs('now', sessions.createdAt).as('created_at'),
          lastSeenAt: givenAs('now', sessions.lastSeenAt).as('last_seen_at'),
          confirmedAt: givenAs('now', sessions.confirmedAt).as('confirmed_at'),
          expiresAt: givenAs('expiresAt', sessions.expiresAt).as('expires_at'),
          endsAt: givenAs('endsAt', sessions.endsAt).as('ends_at'),
          address: givenAs('address', sessions.address).as('address'),
          userAgent: givenAs('userAgent', sessions.userAgent).as('user_agent'),
        })
        .from(users)
        .where(and(equals(users.id, 'userId'), eq(users.active, true))),
    ),
    1,
  );
  const signedIn = write(
    build
      .update(users)
      .set({ lastSignInAt: givenAs('now', users.lastSignInAt) })
      .where(equals(users.id, 'userId')),
    1,
  );
  const update = write(
    build
      .update(sessions)
      .set({
        lastSeenAt: givenAs('lastSeenAt', sessions.lastSeenAt),
        expiresAt: givenAs('expiresAt', sessions.expiresAt),
      })
      .where(and(equals(sessions.key, 'key'), lt(sessions.lastSeenAt, given('unseenSince')))),
    'any',
  );
  const removal = write(build.delete(sessions).where(equals(sessions.key, 'key')), 'any');
  const removalOfUser = write(build.delete(sessions).where(equals(sessions.userId, 'userId')), 'any');

  return {
    /** @returns the session of that key with its user, whether or not it is still alive. */
    async find(key: string) {
      return (await byKey({ key }))[0];
    },
    /** Writes that start a session and note the user's sign-in; they take effect only while the user is active. */
    start(session: SessionStart): Write[] {
      return [insert({ ...session }), signedIn({ userId: session.userId, now: session.now })];
    },
    /** Moves the session's expiry, unless it has ended meanwhile, or another request has done so since that moment. */
    touch(session: { key: string; lastSeenAt: number; expiresAt: number; unseenSince: number }) {
      return update({ ...session });
    },
    end(key: string) {
      return removal({ key });
    },
    endAllOf(userId: string) {
      return removalOfUser({ userId });
    },
  };
}
