/** Queries for sessions. Every signed-in request runs the first one, so its result is cached. */
import type { SQL } from 'drizzle-orm';
import { and, desc, eq, inArray, lt, ne, notExists, notInArray, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import type { Values } from '../engines/statement.ts';
import { compareIds } from '../ids.ts';
import {
  equals,
  limitPlaceholder,
  ORIGIN_LENGTHS,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { isWithinLife, timesAt } from './expiry.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';
import { pageAfter } from './page-after.ts';
import { concise, EVERYTHING, permissionsBehind, selectHeld, withPermissions } from './permissions.ts';

type Session = Tables['sessions']['$inferSelect'];
type NewSession = Omit<Session, 'createdAt' | 'lastSeenAt' | 'confirmedAt'> & { now: number };

/** A session with its user and the user's permissions. */
export type SessionRow = NonNullable<Awaited<ReturnType<ReturnType<typeof sessionQueries>['find']>>>;

export type ListedSessionRow = Awaited<ReturnType<ReturnType<typeof sessionQueries>['page']>>[number];

export function sessionQueries(engine: Engine) {
  return {
    ...sessionReads(engine),
    ...sessionSteps(engine),
    ...surplusQueries(engine),
    ...gainSteps(engine),
  };
}

function sessionReads(engine: Engine) {
  const { build, read, readWith, readWithCached } = engine;
  const { groupPermissions, memberships, sessions, users } = engine.tables;

  const withUser = {
    ...pickColumns(sessions, 'key', 'id', 'createdAt', 'lastSeenAt', 'confirmedAt', 'expiresAt', 'endsAt'),
    ...pickColumns(sessions, 'remembered', 'userId'),
    ...pickColumns(users, 'username', 'active'),
  };
  const sessionOfKey = build
    .select(withUser)
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(equals(sessions.key, 'key'));
  const byKey = readWithCached(sessionOfKey, permissionsBehind(engine, sessions), withPermissions);
  const shown = {
    ...pickColumns(sessions, 'id', 'createdAt', 'lastSeenAt', 'expiresAt', 'endsAt'),
    ...pickColumns(sessions, 'address', 'userAgent'),
  };
  const unexpired = pageAfter(
    build.select(shown).from(sessions).$dynamic(),
    sessions.id,
    equals(sessions.userId, 'userId'),
    isWithinLife(sessions.expiresAt, sessions.lastSeenAt),
  );
  const page = read(unexpired);
  const userWith = (lacking: SQL<string | null>) =>
    build
      .select({ lacking: lacking.as('lacking') })
      .from(users)
      .where(equals(users.id, 'userId'));
  const lackingOf = (count: number) =>
    build
      .select({ permission: sql`min(${groupPermissions.permission})` })
      .from(memberships)
      .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(
        and(
          equals(memberships.userId, 'userId'),
          notInArray(groupPermissions.permission, placeholders('permission', count)),
        ),
      );
  const pageForEverything = readWith(userWith(sql`null`), unexpired);
  const pageForHolders = preparedByCount((count) => readWith(userWith(sql`${lackingOf(count)}`), unexpired));

  return {
    /** Also finds sessions that have expired. */
    find: (key: string) => byKey({ key }),
    /** Reads the user's unexpired sessions. */
    page: (userId: string, after: string, limit: number, now: number) =>
      page({ userId, after, limit, ...timesAt(now) }),
    /**
     * Reads the user's unexpired sessions, and the first permission that the user holds and is not among those, which is null when there
     * is none. Returns undefined when the user is missing.
     */
    async pageOfUser(userId: string, held: readonly string[], after: string, limit: number, now: number) {
      const values = { userId, after, limit, ...timesAt(now) };
      const found = held.includes(EVERYTHING)
        ? await pageForEverything(values)
        : await pageForHolders(held.length)({ ...values, ...numbered('permission', held) });
      return found && { lacking: found.parent.lacking, sessions: found.children.sort(compareIds) };
    },
  };
}

function sessionSteps(engine: Engine) {
  const { build, condition, write } = engine;
  const { sessions, users } = engine.tables;
  const ofKey = equals(sessions.key, 'key');
  const now = placeholder('now');
  const row = {
    ...placeholdersFor(sessions, 'key', 'id', 'userId', 'expiresAt', 'endsAt', 'remembered'),
    ...placeholdersFor(sessions, 'address', 'userAgent'),
    createdAt: now,
    lastSeenAt: now,
    confirmedAt: now,
  };
  const insert = write(build.insert(sessions).values(row), 1);
  const alive = condition(
    build
      .select({ id: sessions.id })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(ofKey, isWithinLife(sessions.expiresAt, sessions.lastSeenAt), eq(users.active, true))),
    'some',
  );
  const times = placeholdersFor(sessions, 'lastSeenAt', 'expiresAt');
  const isUnseen = lt(sessions.lastSeenAt, placeholder('unseenSince'));
  const update = write(build.update(sessions).set(times).where(and(ofKey, isUnseen)), 'any');
  const confirmedAt = typedPlaceholder('now', sessions.confirmedAt);
  const newKey = typedPlaceholder('newKey', sessions.key);
  const renewal = write(build.update(sessions).set({ key: newKey, confirmedAt }).where(ofKey), 1);
  const ofUser = equals(sessions.userId, 'userId');
  const isOther = ne(sessions.key, placeholder('key'));
  const removal = write(build.delete(sessions).where(ofKey), 'any');
  const removalOfUser = write(build.delete(sessions).where(ofUser), 'any');
  const removalOfOthers = write(build.delete(sessions).where(and(ofUser, isOther)), 'any');
  const removalById = write(build.delete(sessions).where(and(ofUser, equals(sessions.id, 'id'))), 1);

  return {
    add({ address, userAgent, ...session }: NewSession): Step {
      return insert({
        ...session,
        address: address.slice(0, ORIGIN_LENGTHS.address),
        userAgent: userAgent.slice(0, ORIGIN_LENGTHS.userAgent),
      });
    },
    /** Requires that the session has not ended and that its user is active. */
    isAlive: (key: string, now: number): Step => alive({ key, ...timesAt(now) }),
    /** Extends the session unless it has ended, or another request has extended it since `unseenSince`. */
    touch: (session: { key: string; lastSeenAt: number; expiresAt: number; unseenSince: number }) =>
      update({ ...session }),
    /** Stores that the user has just entered the password, and replaces the session's key, so that its earlier cookie no longer works. */
    renew: (key: string, newKey: string, now: number) => renewal({ key, newKey, now }),
    end: (key: string) => removal({ key }),
    endAllOf: (userId: string) => removalOfUser({ userId }),
    endOthersOf: (userId: string, key: string) => removalOfOthers({ userId, key }),
    endOf: (userId: string, id: string) => removalById({ userId, id }),
  };
}

/** Queries for the sessions of a user beyond the most that they may have. */
function surplusQueries({ build, readOne, write, tables: { sessions } }: Engine) {
  const living = and(
    equals(sessions.userId, 'userId'),
    isWithinLife(sessions.expiresAt, sessions.lastSeenAt),
  );
  const count = readOne(build.select({ count: sql<number>`count(*)` }).from(sessions).where(living));
  // MySQL takes no LIMIT in a subquery of a list, but in one of that.
  const unseenLongest = build
    .select({ key: sessions.key })
    .from(sessions)
    .where(and(living, ne(sessions.key, placeholder('key'))))
    .orderBy(desc(sessions.lastSeenAt), desc(sessions.id))
    .limit(limitPlaceholder)
    .offset(placeholder('keep'))
    .as('unseen_longest');
  const surplus = build.select({ key: unseenLongest.key }).from(unseenLongest);
  const removal = build.delete(sessions).where(inArray(sessions.key, surplus));
  const removalOfNone = write(removal, 0);
  const removalOf = preparedByCount((count) => write(removal, count));

  return {
    /** Returns how many of the user's unexpired sessions must end before another one begins. */
    countSurplus: async (userId: string, most: number, now: number) =>
      Math.max(0, ((await count({ userId, ...timesAt(now) }))?.count ?? 0) - most + 1),
    /**
     * Ends the user's unexpired sessions beyond the most, but for the one of that key, which has just begun. Requires that these are so
     * many.
     */
    endSurplus(userId: string, key: string, most: number, count: number, now: number): Step {
      const values = { userId, key, keep: most - 1, limit: Number.MAX_SAFE_INTEGER, ...timesAt(now) };
      return count === 0 ? removalOfNone(values) : removalOf(count)(values);
    },
  };
}

/** Steps for changes that give permissions. They must precede these changes, since they compare with what users hold. */
function gainSteps(engine: Engine) {
  const { build, write } = engine;
  const { memberships, sessions } = engine.tables;
  const members = build
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(equals(memberships.groupId, 'groupId'));
  function prepareFor(those: SQL) {
    const removal = preparedByCount((count) => {
      const held = selectHeld(engine, eq(memberships.userId, sessions.userId), count);
      return write(build.delete(sessions).where(and(those, notExists(held))), 'any');
    });
    return (values: Values, given: readonly string[]): Step[] => {
      const permissions = concise(given);
      if (permissions.length === 0) return [];
      return [removal(permissions.length)({ ...values, ...numbered('permission', permissions) })];
    };
  }
  const endOfUser = prepareFor(equals(sessions.userId, 'userId'));
  // In one statement, however many members there are.
  const endOfMembers = prepareFor(inArray(sessions.userId, members));

  return {
    /** Ends the user's sessions unless they hold all of the permissions, which they are about to get. */
    endIfGaining: (userId: string, permissions: readonly string[]) => endOfUser({ userId }, permissions),
    /** Ends the sessions of those members of the group who do not hold all of the permissions. */
    endOfGainingMembers: (groupId: string, permissions: readonly string[]) =>
      endOfMembers({ groupId }, permissions),
  };
}
