/**
 * Finds users by what they are called, by group, and by whether they are active. Each way goes along an index, so that
 * a page costs the same among a thousand users and among a million.
 */
import type { AnyColumn, SQL } from 'drizzle-orm';
import { and, asc, eq, gt, gte, lt, lte, not, or } from '../drizzle.ts';
import type { Engine } from '../engine.ts';
import { comparable } from '../text.ts';
import { given, givenAs } from '../vocabulary.ts';
import { shownColumns, type UserRow } from './users.ts';

/** Follows everything that begins with what is before it. */
const LAST_CHARACTER = '\u{10ffff}';

/** A user who was found, by one of their keys. */
interface Hit {
  key: string;
  row: UserRow & { usernameKey: string; emailKey: string | null; nameKey: string };
}

export interface Found {
  rows: UserRow[];
  /** Where the next page begins: to be given as `after`; null when there is none. */
  next: { key: string; id: string } | null;
}

export function userSearch({ build, equals, read, tables: { memberships, users } }: Engine) {
  const keys = { usernameKey: users.usernameKey, emailKey: users.emailKey, nameKey: users.nameKey };
  const columns = { ...shownColumns(users), ...keys };

  const byActive = read(
    build
      .select(shownColumns(users))
      .from(users)
      .where(and(eq(users.active, givenAs('active', users.active)), gt(users.id, given('after'))))
      .orderBy(asc(users.id))
      .limit(given('limit')),
  );
  const inRange = (key: AnyColumn) => and(gte(key, given('from')), lt(key, given('to')));
  const byGroup = read(
    build
      .select(columns)
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(
        and(
          equals(memberships.groupId, 'groupId'),
          gt(memberships.userId, given('after')),
          gte(users.active, givenAs('least', users.active)),
          lte(users.active, givenAs('most', users.active)),
          or(...Object.values(keys).map(inRange)),
        ),
      )
      .orderBy(asc(memberships.userId))
      .limit(given('limit')),
  );
  const byKey = (key: AnyColumn, order: SQL[]) =>
    read(
      build
        .select(columns)
        .from(users)
        .where(
          and(inRange(key), not(and(eq(key, given('from')), lte(users.id, given('after'))) ?? eq(key, key))),
        )
        .orderBy(...order)
        .limit(given('limit')),
    );
  // No id where a key is only there once: MySQL would sort all that it finds, in place of following the index.
  const ways = {
    usernameKey: byKey(users.usernameKey, [asc(users.usernameKey)]),
    emailKey: byKey(users.emailKey, [asc(users.emailKey)]),
    nameKey: byKey(users.nameKey, [asc(users.nameKey), asc(users.id)]),
  };
  const names = ['usernameKey', 'emailKey', 'nameKey'] as const;

  return {
    /** @returns at most `limit` users, active or not, whose ids follow `after`, in the order of their ids. */
    active(active: boolean, after: string, limit: number) {
      return byActive({ active, after, limit });
    },
    /** The same of the group's members, if `q` is given only those of whom a key begins with it. */
    inGroup(
      groupId: string,
      { q = '', active }: { q?: string; active?: boolean },
      after: string,
      limit: number,
    ) {
      // Without spaces at the end, of which engines think differently when they compare.
      const from = comparable(q).trimEnd();
      return byGroup({
        groupId,
        after,
        limit,
        from,
        to: from + LAST_CHARACTER,
        least: active ?? false,
        most: active ?? true,
      });
    },
    /**
     * Finds users whose username, e-mail address or name begins with the text, in the order of what was found.
     * @returns at most `limit` of them; fewer, even when there are more pages, where many were found by two keys.
     */
    async beginningWith(
      q: string,
      active: boolean | undefined,
      after: { key: string; id: string } | undefined,
      limit: number,
    ): Promise<Found> {
      const text = comparable(q).trimEnd();
      const values = {
        from: after?.key ?? text,
        to: text + LAST_CHARACTER,
        after: after?.id ?? '',
        limit: 2 * limit + 1,
      };
      const found = await Promise.all(names.map((name) => ways[name](values)));
      const hits = found.flatMap((rows, way) =>
        rows.map((row): Hit => ({ key: row[names[way] ?? 'usernameKey'] ?? '', row })),
      );
      // Only so many are certain to be the next ones: behind them another list may go on that was cut off.
      const certain = hits.sort(inOrder).slice(0, values.limit);
      const more = found.some((rows) => rows.length === values.limit) || hits.length > certain.length;
      const shown: Hit[] = [];
      for (const [index, hit] of certain.entries()) {
        if (!isFirstOf(hit, text, certain[index - 1]) || (active !== undefined && hit.row.active !== active))
          continue;
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
