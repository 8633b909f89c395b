/** Queries for API tokens. Every request with a token runs the first one, so its result is cached. */
import { and, asc, eq, gt, isNull, lt, or } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { permissionsBehind, withPermissions } from './permissions.ts';

type NewToken = Omit<Tables['tokens']['$inferSelect'], 'createdAt' | 'lastUsedAt'>;

/** A token with its owner and the owner's permissions. */
export type OwnedTokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['find']>>>;

export type TokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['findOf']>>>;

export function tokenQueries(engine: Engine) {
  const { build, condition, read, readOne, readWithCached, write } = engine;
  const { tokens, users } = engine.tables;

  const shown = {
    id: tokens.id,
    name: tokens.name,
    scopes: tokens.scopes,
    createdAt: tokens.createdAt,
    expiresAt: tokens.expiresAt,
    lastUsedAt: tokens.lastUsedAt,
  };
  const ofOwner = and(equals(tokens.userId, 'userId'), equals(tokens.id, 'id'));

  const withOwner = {
    id: tokens.id,
    scopes: tokens.scopes,
    expiresAt: tokens.expiresAt,
    lastUsedAt: tokens.lastUsedAt,
    userId: tokens.userId,
    username: users.username,
    active: users.active,
  };
  const ofKey = equals(tokens.key, 'key');
  const tokenOfKey = build
    .select(withOwner)
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(ofKey);
  const byKey = readWithCached(tokenOfKey, permissionsBehind(engine, tokens), withPermissions);
  const one = readOne(build.select(shown).from(tokens).where(ofOwner));
  const pageOfUser = read(
    build
      .select(shown)
      .from(tokens)
      .where(and(equals(tokens.userId, 'userId'), gt(tokens.id, placeholder('after'))))
      .orderBy(asc(tokens.id))
      .limit(limitPlaceholder),
  );
  const insert = write(
    build.insert(tokens).values({
      ...placeholdersFor('key', 'id', 'userId', 'name', 'scopes', 'expiresAt'),
      createdAt: placeholder('now'),
    }),
    1,
  );
  const isUnexpired = or(isNull(tokens.expiresAt), gt(tokens.expiresAt, placeholder('now')));
  const alive = condition(
    build
      .select({ id: tokens.id })
      .from(tokens)
      .innerJoin(users, eq(users.id, tokens.userId))
      .where(and(equals(tokens.id, 'id'), isUnexpired, eq(users.active, true))),
    'some',
  );
  const isUnused = or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, placeholder('unusedSince')));
  const use = write(
    build
      .update(tokens)
      .set({ lastUsedAt: typedPlaceholder('now', tokens.lastUsedAt) })
      .where(and(ofKey, isUnused)),
    'any',
  );
  const removal = write(build.delete(tokens).where(ofOwner), 1);

  return {
    /** Also finds tokens that have expired. */
    find: (key: string) => byKey({ key }),
    findOf: (userId: string, id: string) => one({ userId, id }),
    page: (userId: string, after: string, limit: number) => pageOfUser({ userId, after, limit }),
    add: (token: NewToken, now: number) => insert({ ...token, now }),
    /** Requires that the token has not ended and that its owner is active. */
    isAlive: (id: string, now: number): Step => alive({ id, now }),
    /** Stores the time of use unless another request has done so since `unusedSince`. */
    touch: (key: string, now: number, unusedSince: number) => use({ key, now, unusedSince }),
    end: (userId: string, id: string) => removal({ userId, id }),
  };
}
