/** What is asked of API tokens. The first query is on the way of every request that brings one. */
import { and, asc, eq, gt, isNull, lt, or } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { permissionsBehind, withPermissions } from './permissions.ts';

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
  const ofKey = build
    .select(withOwner)
    .from(tokens)
    .innerJoin(users, eq(users.id, tokens.userId))
    .where(equals(tokens.key, 'key'));
  const byKey = readWithCached(ofKey, permissionsBehind(engine, tokens), withPermissions);
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
  const alive = condition(
    build
      .select({ id: tokens.id })
      .from(tokens)
      .innerJoin(users, eq(users.id, tokens.userId))
      .where(
        and(
          equals(tokens.id, 'id'),
          or(isNull(tokens.expiresAt), gt(tokens.expiresAt, placeholder('now'))),
          eq(users.active, true),
        ),
      ),
    'some',
  );
  const use = write(
    build
      .update(tokens)
      .set({ lastUsedAt: typedPlaceholder('now', tokens.lastUsedAt) })
      .where(
        and(
          equals(tokens.key, 'key'),
          or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, placeholder('unusedSince'))),
        ),
      ),
    'any',
  );
  const removal = write(build.delete(tokens).where(ofOwner), 1);

  return {
    /** @returns the token of that key with its owner and what they hold, whether or not it is still good. */
    find: (key: string) => byKey({ key }),
    findOf: (userId: string, id: string) => one({ userId, id }),
    /** @returns at most `limit` of the user's tokens whose ids follow `after`, in the order of their ids. */
    page: (userId: string, after: string, limit: number) => pageOfUser({ userId, after, limit }),
    add: (token: NewToken, now: number) => insert({ ...token, now }),
    /** Holds while the token has not ended and its owner is active. */
    isAlive: (id: string, now: number): Step => alive({ id, now }),
    /** Notes that the token was used, unless another request has done so since that moment. */
    touch: (key: string, now: number, unusedSince: number) => use({ key, now, unusedSince }),
    end: (userId: string, id: string) => removal({ userId, id }),
  };
}
