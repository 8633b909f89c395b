/** What is asked of API tokens. The first query is on the way of every request that brings one. */
import { and, asc, eq, gt, lt, or, sql } from '../drizzle.ts';
import type { Engine } from '../engine.ts';
import { given, givenAs } from '../vocabulary.ts';
import { holding, permissionsBehind } from './permissions.ts';

interface NewToken {
  key: string;
  id: string;
  userId: string;
  name: string;
  scopes: string[];
  expiresAt: number | null;
}

/** A token, with the user that it belongs to. */
export type OwnedTokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['find']>>>;

export type TokenRow = NonNullable<Awaited<ReturnType<ReturnType<typeof tokenQueries>['findOf']>>>;

export function tokenQueries(engine: Engine) {
  const { build, equals, givenLimit, read, readOne, readOneCached, readWithCached, write } = engine;
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
  const ofKey = build
    .select(withOwner)
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(equals(tokens.key, 'key'));
  const byKey = readOneCached(ofKey);
  const byKeyWithPermissions = readWithCached(ofKey, permissionsBehind(engine, tokens), holding);
  const one = readOne(build.select(shown).from(tokens).where(ofOwner));
  const pageOfUser = read(
    build
      .select(shown)
      .from(tokens)
      .where(and(equals(tokens.userId, 'userId'), gt(tokens.id, given('after'))))
      .orderBy(asc(tokens.id))
      .limit(givenLimit),
  );
  // Only for a user who is active at this moment, as a session is.
  const insert = write(
    build.insert(tokens).select(
      build
        .select({
          key: givenAs('key', tokens.key).as('key'),
          id: givenAs('id', tokens.id).as('id'),
          userId: users.id,
          name: givenAs('name', tokens.name).as('name'),
          scopes: givenAs('scopes', tokens.scopes).as('scopes'),
          createdAt: givenAs('now', tokens.createdAt).as('created_at'),
          expiresAt: givenAs('expiresAt', tokens.expiresAt).as('expires_at'),
          lastUsedAt: sql<null>`NULL`.as('last_used_at'),
        })
        .from(users)
        .where(and(equals(users.id, 'userId'), eq(users.active, true))),
    ),
    1,
  );
  const use = write(
    build
      .update(tokens)
      .set({ lastUsedAt: givenAs('now', tokens.lastUsedAt) })
      .where(
        and(
          equals(tokens.key, 'key'),
          or(sql`${tokens.lastUsedAt} IS NULL`, lt(tokens.lastUsedAt, given('unusedSince'))),
        ),
      ),
    'any',
  );
  const removal = write(build.delete(tokens).where(ofOwner), 1);

  return {
    /** @returns the token of that key with its owner, whether or not it is still good. */
    find: (key: string) => byKey({ key }),
    /** The same, with the permissions that the owner holds. */
    findWithPermissions: (key: string) => byKeyWithPermissions({ key }),
    findOf: (userId: string, id: string) => one({ userId, id }),
    /** @returns at most `limit` of the user's tokens whose ids follow `after`, in the order of their ids. */
    page(userId: string, after: string, limit: number) {
      return pageOfUser({ userId, after, limit });
    },
    add(token: NewToken, now: number) {
      return insert({ ...token, now });
    },
    /** Notes that the token was used, unless another request has done so since that moment. */
    touch(key: string, now: number, unusedSince: number) {
      return use({ key, now, unusedSince });
    },
    end(userId: string, id: string) {
      return removal({ userId, id });
    },
  };
}
