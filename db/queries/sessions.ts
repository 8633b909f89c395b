/** What is asked of sessions. The first query is on the way of every signed-in request. */
import { and, asc, eq, gt, lt, ne } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { inOrderOfIds } from '../ids.ts';
import {
  equals,
  limitPlaceholder,
  ORIGIN_LENGTHS,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
  typedPlaceholdersFor,
} from '../schema/column-types.ts';
import { permissionsBehind, withPermissions } from './permissions.ts';

interface NewSession {
  key: string;
  id: string;
  userId: string;
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
  const { build, condition, read, readWith, readWithCached, write } = engine;
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
  const byKey = readWithCached(ofKey, permissionsBehind(engine, sessions), withPermissions);
  const insert = write(
    build.insert(sessions).values({
      ...placeholdersFor('key', 'id', 'userId', 'expiresAt', 'endsAt', 'remembered', 'address', 'userAgent'),
      createdAt: placeholder('now'),
      lastSeenAt: placeholder('now'),
      confirmedAt: placeholder('now'),
    }),
    1,
  );
  const alive = condition(
    build
      .select({ id: sessions.id })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(equals(sessions.key, 'key'), gt(sessions.expiresAt, placeholder('now')), eq(users.active, true)),
      ),
    'some',
  );
  const update = write(
    build
      .update(sessions)
      .set({
        ...typedPlaceholdersFor(sessions, 'lastSeenAt', 'expiresAt'),
      })
      .where(and(equals(sessions.key, 'key'), lt(sessions.lastSeenAt, placeholder('unseenSince')))),
    'any',
  );
  const removal = write(build.delete(sessions).where(equals(sessions.key, 'key')), 'any');
  const removalOfUser = write(build.delete(sessions).where(equals(sessions.userId, 'userId')), 'any');
  const removalOfOthers = write(
    build
      .delete(sessions)
      .where(and(equals(sessions.userId, 'userId'), ne(sessions.key, placeholder('key')))),
    'any',
  );
  const removalById = write(
    build.delete(sessions).where(and(equals(sessions.userId, 'userId'), equals(sessions.id, 'id'))),
    1,
  );
  const confirmation = write(
    build
      .update(sessions)
      .set({ confirmedAt: typedPlaceholder('now', sessions.confirmedAt) })
      .where(equals(sessions.key, 'key')),
    1,
  );
  const renewal = write(
    build
      .update(sessions)
      .set({
        key: typedPlaceholder('newKey', sessions.key),
        confirmedAt: typedPlaceholder('now', sessions.confirmedAt),
      })
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
        gt(sessions.id, placeholder('after')),
        gt(sessions.expiresAt, placeholder('now')),
      ),
    )
    .orderBy(asc(sessions.id))
    .limit(limitPlaceholder);
  const page = read(living);
  const pageOfUser = readWith(
    build.select({ id: users.id }).from(users).where(equals(users.id, 'userId')),
    living,
  );

  return {
    /** @returns the session of that key with its user and what they hold, whether or not it is still alive. */
    find: (key: string) => byKey({ key }),
    add({ address, userAgent, ...session }: NewSession): Step {
      return insert({
        ...session,
        address: address.slice(0, ORIGIN_LENGTHS.address),
        userAgent: userAgent.slice(0, ORIGIN_LENGTHS.userAgent),
      });
    },
    /** Holds while the session has not ended and its user is active. */
    isAlive: (key: string, now: number): Step => alive({ key, now }),
    /** Moves the session's expiry, unless it has ended meanwhile, or another request has done so since that moment. */
    touch: (session: { key: string; lastSeenAt: number; expiresAt: number; unseenSince: number }) =>
      update({ ...session }),
    end: (key: string) => removal({ key }),
    endAllOf: (userId: string) => removalOfUser({ userId }),
    /** Ends the user's sessions but the one of that key. */
    endOthersOf: (userId: string, key: string) => removalOfOthers({ userId, key }),
    endOf: (userId: string, id: string) => removalById({ userId, id }),
    /** Notes that the password was given just now. */
    confirm: (key: string, now: number) => confirmation({ key, now }),
    /** Gives the session another key, so that its cookie is dead, and notes that the password was given. */
    renew: (key: string, newKey: string, now: number) => renewal({ key, newKey, now }),
    /** @returns at most `limit` of the user's living sessions whose ids follow `after`, in the order of their ids. */
    page: (userId: string, after: string, limit: number, now: number) => page({ userId, after, limit, now }),
    /** The same for a user who may not be there: then it gives undefined. */
    async pageOfUser(userId: string, after: string, limit: number, now: number) {
      return (await pageOfUser({ userId, after, limit, now }))?.list.sort(inOrderOfIds);
    },
  };
}
