/** Queries for sessions. Every signed-in request runs the first one, so its result is cached. */
import { and, asc, eq, gt, lt, ne } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { compareIds } from '../ids.ts';
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

type Session = Tables['sessions']['$inferSelect'];
type NewSession = Omit<Session, 'createdAt' | 'lastSeenAt' | 'confirmedAt'> & { now: number };

/** A session with its user and the user's permissions. */
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
  const ofKey = equals(sessions.key, 'key');
  const ofUser = equals(sessions.userId, 'userId');
  const sessionOfKey = build
    .select(withUser)
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(ofKey);
  const byKey = readWithCached(sessionOfKey, permissionsBehind(engine, sessions), withPermissions);
  const insert = write(
    build.insert(sessions).values({
      ...placeholdersFor('key', 'id', 'userId', 'expiresAt', 'endsAt', 'remembered', 'address', 'userAgent'),
      createdAt: placeholder('now'),
      lastSeenAt: placeholder('now'),
      confirmedAt: placeholder('now'),
    }),
    1,
  );
  const isUnexpired = gt(sessions.expiresAt, placeholder('now'));
  const alive = condition(
    build
      .select({ id: sessions.id })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(ofKey, isUnexpired, eq(users.active, true))),
    'some',
  );
  const update = write(
    build
      .update(sessions)
      .set(typedPlaceholdersFor(sessions, 'lastSeenAt', 'expiresAt'))
      .where(and(ofKey, lt(sessions.lastSeenAt, placeholder('unseenSince')))),
    'any',
  );
  const isOther = ne(sessions.key, placeholder('key'));
  const removal = write(build.delete(sessions).where(ofKey), 'any');
  const removalOfUser = write(build.delete(sessions).where(ofUser), 'any');
  const removalOfOthers = write(build.delete(sessions).where(and(ofUser, isOther)), 'any');
  const removalById = write(build.delete(sessions).where(and(ofUser, equals(sessions.id, 'id'))), 1);
  const confirmedAt = typedPlaceholder('now', sessions.confirmedAt);
  const confirmation = write(build.update(sessions).set({ confirmedAt }).where(ofKey), 1);
  const renewal = write(
    build
      .update(sessions)
      .set({ key: typedPlaceholder('newKey', sessions.key), confirmedAt })
      .where(ofKey),
    1,
  );
  const unexpired = build
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
    .where(and(ofUser, gt(sessions.id, placeholder('after')), isUnexpired))
    .orderBy(asc(sessions.id))
    .limit(limitPlaceholder);
  const page = read(unexpired);
  const pageOfUser = readWith(
    build.select({ id: users.id }).from(users).where(equals(users.id, 'userId')),
    unexpired,
  );

  return {
    /** Also finds sessions that have expired. */
    find: (key: string) => byKey({ key }),
    add({ address, userAgent, ...session }: NewSession): Step {
      return insert({
        ...session,
        address: address.slice(0, ORIGIN_LENGTHS.address),
        userAgent: userAgent.slice(0, ORIGIN_LENGTHS.userAgent),
      });
    },
    /** Requires that the session has not ended and that its user is active. */
    isAlive: (key: string, now: number): Step => alive({ key, now }),
    /** Extends the session unless it has ended, or another request has extended it since `unseenSince`. */
    touch: (session: { key: string; lastSeenAt: number; expiresAt: number; unseenSince: number }) =>
      update({ ...session }),
    end: (key: string) => removal({ key }),
    endAllOf: (userId: string) => removalOfUser({ userId }),
    endOthersOf: (userId: string, key: string) => removalOfOthers({ userId, key }),
    endOf: (userId: string, id: string) => removalById({ userId, id }),
    /** Stores that the user has just entered the password. */
    confirm: (key: string, now: number) => confirmation({ key, now }),
    /** Does the same, and replaces the session's key, so that its earlier cookie no longer works. */
    renew: (key: string, newKey: string, now: number) => renewal({ key, newKey, now }),
    /** Reads the user's unexpired sessions. */
    page: (userId: string, after: string, limit: number, now: number) => page({ userId, after, limit, now }),
    /** Returns undefined when the user is missing. */
    pageOfUser: async (userId: string, after: string, limit: number, now: number) =>
      (await pageOfUser({ userId, after, limit, now }))?.children.sort(compareIds),
  };
}
