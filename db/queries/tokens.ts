/** Queries for API tokens. Every request with a token runs the first one, so its result is cached. */
import { and, eq, isNull, lt, or } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import {
  equals,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { isWithinLife, timesAt } from './expiry.ts';
import { pageAfter } from './page-after.ts';
import { permissionsBehind, withPermissions } from './permissions.ts';
import { isInRange } from './ranges.ts';

type NewToken = Omit<Tables['tokens']['$inferSelect'], 'createdAt' | 'lastUsedAt'>;

/** A token with its owner and the owner's permissions. */
export type OwnedTokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['find']>>>;

export type TokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['findOf']>>>;

export function tokenQueries(engine: Engine) {
  return { ...tokenReads(engine), ...tokenSteps(engine) };
}

function tokenReads(engine: Engine) {
  const { build, read, readOne, readWithCached } = engine;
  const { tokens, users } = engine.tables;

  const withOwner = {
    ...pickColumns(tokens, 'id', 'scopes', 'createdAt', 'expiresAt', 'lastUsedAt', 'userId'),
    ...pickColumns(users, 'username', 'active'),
  };
  const tokenOfKey = build
    .select(withOwner)
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(equals(tokens.key, 'key'));
  const byKey = readWithCached(tokenOfKey, permissionsBehind(engine, tokens), withPermissions);
  const shown = pickColumns(tokens, 'id', 'name', 'scopes', 'createdAt', 'expiresAt', 'lastUsedAt');
  const ofUser = equals(tokens.userId, 'userId');
  const ofOwner = and(ofUser, equals(tokens.id, 'id'));
  const one = readOne(build.select(shown).from(tokens).where(ofOwner));
  const scopesOfId = readOne(
    build.select(pickColumns(tokens, 'scopes')).from(tokens).where(equals(tokens.id, 'id')),
  );
  const owned = pickColumns(tokens, 'id', 'userId');
  const pageOfAll = read(pageAfter(build.select(owned).from(tokens).$dynamic(), tokens.id));
  const idsIn = read(build.select({ id: tokens.id }).from(tokens).where(isInRange(tokens.id)));
  const pageOfUser = read(pageAfter(build.select(shown).from(tokens).$dynamic(), tokens.id, ofUser));

  return {
    /** Also finds tokens that have expired. */
    find: (key: string) => byKey({ key }),
    /** Also reads those of a token that has expired. */
    scopesOf: async (id: string) => (await scopesOfId({ id }))?.scopes,
    findOf: (userId: string, id: string) => one({ userId, id }),
    page: (userId: string, after: string, limit: number) => pageOfUser({ userId, after, limit }),
    /** Reads the tokens of all users. */
    pageOfAll: (after: string, limit: number) => pageOfAll({ after, limit }),
    idsIn: (after: string, last: string) => idsIn({ after, last }),
  };
}

function tokenSteps({ build, condition, write, tables: { tokens, users } }: Engine) {
  const row = placeholdersFor(tokens, 'key', 'id', 'userId', 'name', 'scopes', 'expiresAt', 'createdAt');
  const insert = write(build.insert(tokens).values(row), 1);
  const isUnexpired = or(isNull(tokens.expiresAt), isWithinLife(tokens.expiresAt, tokens.createdAt));
  const alive = condition(
    build
      .select({ id: tokens.id })
      .from(tokens)
      .innerJoin(users, eq(users.id, tokens.userId))
      .where(and(equals(tokens.id, 'id'), isUnexpired, eq(users.active, true))),
    'some',
  );
  const ofKey = equals(tokens.key, 'key');
  const isUnused = or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, placeholder('unusedSince')));
  const lastUsedAt = typedPlaceholder('now', tokens.lastUsedAt);
  const use = write(build.update(tokens).set({ lastUsedAt }).where(and(ofKey, isUnused)), 'any');
  const ofOwner = and(equals(tokens.userId, 'userId'), equals(tokens.id, 'id'));
  const removal = write(build.delete(tokens).where(ofOwner), 1);
  const ofUser = build.delete(tokens).where(equals(tokens.userId, 'userId'));
  const [removalOfSome, removalOfNone] = [write(ofUser, 'some'), write(ofUser, 0)];

  return {
    add: (token: NewToken, now: number) => insert({ ...token, createdAt: now }),
    /** Requires that the token has not ended and that its owner is active. */
    isAlive: (id: string, now: number): Step => alive({ id, ...timesAt(now) }),
    /** Stores the time of use unless another request has done so since `unusedSince`. */
    touch: (key: string, now: number, unusedSince: number) => use({ key, now, unusedSince }),
    end: (userId: string, id: string) => removal({ userId, id }),
    /** Ends all tokens of the user. Requires that there are any, or that there are none. */
    endAllOf: (userId: string, areThere: boolean) => (areThere ? removalOfSome : removalOfNone)({ userId }),
  };
}
