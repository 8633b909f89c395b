/**
 * Finds users by what they are called, by group, and by whether they are active. Each way goes along an index, so that
 * a page costs the same among a thousand users and among a million.
 */
import type { AnyColumn } from 'drizzle-orm';
import { and, asc, eq, gt, gte, lt, lte, not, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { normalizeIdentifier } from '../identifiers.ts';
import { equals, limitPlaceholder, placeholder } from '../schema/column-types.ts';
import { shownColumns, type UserRow } from './users.ts';

/** Follows everything that begins with what is before it. */
const LAST_CHARACTER = '\u{10ffff}';

/** The keys by which a user is found, each in a list of its own. */
const WAYS = ['usernameKey', 'emailKey', 'nameKey'] as const;
type Way = (typeof WAYS)[number];

interface Candidate extends UserRow {
  usernameKey: string;
  emailKey: string | null;
  nameKey: string;
  /** By which of the keys they were found. */
  way: Way;
  /** In the group that was asked for, if there was one. */
  role?: string | null;
}

/** A user who was found, by one of their keys. */
interface Hit {
  key: string;
  row: Candidate;
}

interface Cursor {
  key: string;
  id: string;
}

export interface Found {
  rows: UserRow[];
  /** Where the next page begins: to be given as `after`; null when there is none. */
  next: Cursor | null;
}

export function userSearch(engine: Engine) {
  const { build, read, readAll } = engine;
  const { memberships, users } = engine.tables;
  const keys = { usernameKey: users.usernameKey, emailKey: users.emailKey, nameKey: users.nameKey };

  const byActive = read(
    build
      .select(shownColumns(users))
      .from(users)
      .where(and(equals(users.active, 'active'), gt(users.id, placeholder('after'))))
      .orderBy(asc(users.id))
      .limit(limitPlaceholder),
  );
  const byGroup = read(
    build
      .select(shownColumns(users))
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(and(equals(memberships.groupId, 'groupId'), gt(memberships.userId, placeholder('after'))))
      .orderBy(asc(memberships.userId))
      .limit(limitPlaceholder),
  );
  // No id where a key is only there once: MySQL would sort all that it finds, in place of following the index.
  const orders = {
    usernameKey: [asc(users.usernameKey)],
    emailKey: [asc(users.emailKey)],
    nameKey: [asc(users.nameKey), asc(users.id)],
  };
  const behind = (key: AnyColumn) =>
    and(
      gte(key, placeholder('from')),
      lt(key, placeholder('to')),
      not(and(eq(key, placeholder('from')), lte(users.id, placeholder('after'))) ?? eq(key, key)),
    );
  const candidate = (way: Way) => ({
    ...shownColumns(users),
    ...keys,
    way: sql<Way>`${sql.raw(`'${way}'`)}`.as('way'),
  });
  const found = (way: Way) =>
    build
      .select(candidate(way))
      .from(users)
      .where(behind(keys[way]))
      .orderBy(...orders[way])
      .limit(limitPlaceholder);
  // Joined to the left, so that the limit is on what is looked at and not on what is found.
  const foundInGroup = (way: Way) =>
    build
      .select({ ...candidate(way), role: memberships.role })
      .from(users)
      .leftJoin(memberships, and(equals(memberships.groupId, 'groupId'), eq(memberships.userId, users.id)))
      .where(behind(keys[way]))
      .orderBy(...orders[way])
      .limit(limitPlaceholder);
  const byAnyKey = readAll([found('usernameKey'), found('emailKey'), found('nameKey')]);
  const byAnyKeyInGroup = readAll([
    foundInGroup('usernameKey'),
    foundInGroup('emailKey'),
    foundInGroup('nameKey'),
  ]);

  return {
    /** @returns at most `limit` users, active or not, whose ids follow `after`, in the order of their ids. */
    active: (active: boolean, after: string, limit: number) => byActive({ active, after, limit }),
    /**
     * Looks at `limit` of the group's members whose ids follow `after`, in the order of their ids.
     * @returns those of them who are active or not, as is asked for, and the last id that was looked at if there are more.
     */
    async inGroup(groupId: string, active: boolean | undefined, after: string, limit: number) {
      const members = await byGroup({ groupId, after, limit: limit + 1 });
      const looked = members.slice(0, limit);
      return {
        rows: active === undefined ? looked : looked.filter((row) => row.active === active),
        next: members.length > limit ? (looked.at(-1)?.id ?? null) : null,
      };
    },
    /**
     * Finds users whose username, e-mail address or name begins with the text, in the order of what was found.
     * @returns at most `limit` of them; fewer, even when there are more pages, where many were found by two keys, or are
     * not as they are asked for: no page looks at more because there are more users.
     */
    async beginningWith(
      q: string,
      { active, group }: { active?: boolean | undefined; group?: string | undefined },
      after: Cursor | undefined,
      limit: number,
    ): Promise<Found> {
      // Without spaces at the end, of which engines think differently when they compare.
      const text = normalizeIdentifier(q).trimEnd();
      const values = {
        from: after?.key ?? text,
        to: text + LAST_CHARACTER,
        after: after?.id ?? '',
        limit: 2 * limit + 1,
        groupId: group,
      };
      const rows: Candidate[] = await (group === undefined ? byAnyKey : byAnyKeyInGroup)(values);
      const isAskedFor = (row: Candidate) =>
        (active === undefined || row.active === active) && (group === undefined || row.role != null);
      const hits = rows.map((row): Hit => ({ key: row[row.way] ?? '', row }));
      // Only so many are certain to be the next ones: behind them another list may go on that was cut off.
      const certain = hits.sort(inOrder).slice(0, values.limit);
      const isCutOff = (way: Way) => rows.filter((row) => row.way === way).length === values.limit;
      const more = WAYS.some(isCutOff) || hits.length > certain.length;
      const shown: Hit[] = [];
      for (const [index, hit] of certain.entries()) {
        if (!isFirstOf(hit, text, certain[index - 1]) || !isAskedFor(hit.row)) continue;
        if (shown.length === limit) return page(shown, shown.at(-1));
        shown.push(hit);
      }
      return page(shown, more ? certain.at(-1) : undefined);
    },
  };
}

function page(hits: Hit[], last: Hit | undefined): Found {
  return { rows: hits.map(({ row }) => row), next: last ? { key: last.key, id: last.row.id } : null };
}

/** In the order of code points, as both engines have it, and not of UTF-16, as JavaScript has. */
function inOrder(one: Hit, other: Hit): number {
  return Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)) || (one.row.id < other.row.id ? -1 : 1);
}

/** @returns whether the user was not found before, by a key that comes earlier. */
function isFirstOf({ key, row }: Hit, text: string, before: Hit | undefined): boolean {
  if (!key.startsWith(text) || (before?.row.id === row.id && before.key === key)) return false;
  const matching = [row.usernameKey, row.emailKey ?? '', row.nameKey].filter((each) => each.startsWith(text));
  return matching.every((each) => Buffer.compare(Buffer.from(each), Buffer.from(key)) >= 0);
}
