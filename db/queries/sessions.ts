/** What is asked of sessions. The first query is on the way of every signed-in request. */
import { and, asc, eq, gt, lt, ne } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { inOrderOfIds } from '../ids.ts';
import { given, givenAs } from '../vocabulary.ts';
import { holding, permissionsBehind } from './permissions.ts';

interface SessionStart {
  key: string;
  id: string;
  userId: string;
  /** The hash of the password that was given: the session is for whoever knows the one that is valid now. */
  passwordHash: string;
  remembered: boolean;
  now: number;
  expiresAt: number;
  endsAt: number;
  address: string;
  userAgent: string;
}

/** A session, with the user that it belongs to. */
export type SessionRow = NonNullable<Awaited<ReturnType<ReturnType<typeof sessionQueries>['find']>>>;

export type ListedSessionRow = Awaited<ReturnType<ReturnType<typeof sessionQueries>['page']>>[number];

export function sessionQueries(engine: Engine) {
  const { build, equals, givenLimit, read, readOneCached, readWith, readWithCached, write } = engine;
  const { sessions, users } = engine.tables;

  const withUser = {
    key: sessions.key,
    id: sessions.id,
    createdAt: sessions.createdAt,
    lastSeenAt: sessions.lastSeenAt,
    confirmedAt: sessions.confirmedAt,
    expiresAt: sessions.expiresAt,
    endsAt: sessions.endsAt,
    remembered: sessions.remembered,
    userId: sessions.userId,
    username: users.username,
    active: users.active,
  };
  const ofKey = build
    .select(withUser)
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(equals(sessions.key, 'key'));
  const byKey = readOneCached(ofKey);
  const byKeyWithPermissions = readWithCached(ofKey, permissionsBehind(engine, sessions), holding);
  // Only for a user who is active and has this password at this moment: nobody slips in beside a change of either.
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
          remembered: givenAs('remembered', sessions.remembered).as('remembered'),
          address: givenAs('address', sessions.address).as('address'),
          userAgent: givenAs('userAgent', sessions.userAgent).as('user_agent'),
        })
        .from(users)
        .where(
          and(
            equals(users.id, 'userId'),
            eq(users.active, true),
            eq(users.passwordHash, given('passwordHash')),
          ),
        ),
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
  const removalOfOthers = write(
    build.delete(sessions).where(and(equals(sessions.userId, 'userId'), ne(sessions.key, given('key')))),
    'any',
  );
  const removalById = write(
    build.delete(sessions).where(and(equals(sessions.userId, 'userId'), equals(sessions.id, 'id'))),
    1,
  );
  const confirmation = write(
    build
      .update(sessions)
      .set({ confirmedAt: givenAs('now', sessions.confirmedAt) })
      .where(equals(sessions.key, 'key')),
    1,
  );
  const renewal = write(
    build
      .update(sessions)
      .set({ key: givenAs('newKey', sessions.key), confirmedAt: givenAs('now', sessions.confirmedAt) })
      .where(equals(sessions.key, 'key')),
    1,
  );
  const living = build
    .select({
      id: sessions.id,
      createdAt: sessions.createdAt,
      lastSeenAt: sessions.lastSeenAt,
      expiresAt: sessions.expiresAt,
      endsAt: sessions.endsAt,
      address: sessions.address,
      userAgent: sessions.userAgent,
    })
    .from(sessions)
    .where(
      and(
        equals(sessions.userId, 'userId'),
        gt(sessions.id, given('after')),
        gt(sessions.expiresAt, given('now')),
      ),
    )
    .orderBy(asc(sessions.id))
    .limit(givenLimit);
  const page = read(living);
  const pageOfUser = readWith(
    build.select({ id: users.id }).from(users).where(equals(users.id, 'userId')),
    living,
  );

  return {
    /** @returns the session of that key with its user, whether or not it is still alive. */
    find: (key: string) => byKey({ key }),
    /** The same, with the permissions that the user holds. */
    findWithPermissions: (key: string) => byKeyWithPermissions({ key }),
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
    /** Ends the user's sessions but the one of that key. */
    endOthersOf(userId: string, key: string) {
      return removalOfOthers({ userId, key });
    },
    endOf(userId: string, id: string) {
      return removalById({ userId, id });
    },
    /** Notes that the password was given just now. */
    confirm(key: string, now: number) {
      return confirmation({ key, now });
    },
    /** Gives the session another key, so that its cookie is dead, and notes that the password was given. */
    renew(key: string, newKey: string, now: number) {
      return renewal({ key, newKey, now });
    },
    /** @returns at most `limit` of the user's living sessions whose ids follow `after`, in the order of their ids. */
    page(userId: string, after: string, limit: number, now: number) {
      return page({ userId, after, limit, now });
    },
    /** The same for a user who may not be there: then it gives undefined. */
    async pageOfUser(userId: string, after: string, limit: number, now: number) {
      return (await pageOfUser({ userId, after, limit, now }))?.list.sort(inOrderOfIds);
    },
  };
}
