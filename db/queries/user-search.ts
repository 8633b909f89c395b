/**
 * Finds users by text, by group, and by whether they are active. Each query follows an index, so that the cost of a
 * page does not depend on the number of users.
 */
import type { AnyColumn } from 'drizzle-orm';
import type { SQLiteSelect } from 'drizzle-orm/sqlite-core';
import { and, asc, eq, gte, lt, lte, not, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, limitPlaceholder, pickColumns, placeholder } from '../schema/column-types.ts';
import { searchPrefix } from '../text.ts';
import { pageAfter } from './page-after.ts';
import { shownColumns, type UserRow } from './users.ts';

/** A prefix with this character sorts after all texts with that prefix. */
const LAST_CHARACTER = '\u{10ffff}';

/** Each key has its own query, because each has its own index. */
const ALL_KEYS = ['usernameSearchKey', 'emailSearchKey', 'nameKey'] as const;
type KeyName = (typeof ALL_KEYS)[number];
type Keys = readonly [KeyName, ...KeyName[]];
/** For callers who do not see the addresses of others: whom they find must not depend on these. */
const PUBLIC_KEYS: Keys = ['usernameSearchKey', 'nameKey'];

interface Candidate extends UserRow {
  usernameSearchKey: string;
  emailSearchKey: string | null;
  nameKey: string;
  matchedKey: KeyName;
  /** The user's role in the required group, if there is one. */
  role?: string | null;
}

/** A user, found by this key. */
type Hit = { key: string; row: Candidate };

type Cursor = { key: string; id: string };

interface Found {
  rows: UserRow[];
  /** The next page's `after`; null on the last page. */
  next: Cursor | null;
}

export function userSearch(engine: Engine) {
  return { ...filterReads(engine), beginningWith: prefixSearch(engine) };
}

function filterReads({ build, read, tables: { memberships, users } }: Engine) {
  const shown = shownColumns(users);
  const all = build.select(shown).from(users).$dynamic();
  const members = build
    .select(shown)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .$dynamic();
  const byActive = read(pageAfter(all, users.id, equals(users.active, 'active')));
  const byGroup = read(pageAfter(members, memberships.userId, equals(memberships.groupId, 'groupId')));

  return {
    active: (active: boolean, after: string, limit: number) => byActive({ active, after, limit }),
    /** Reads `limit` members and then filters them, so a page may be shorter. `next` is the last id that it read. */
    async inGroup(groupId: string, active: boolean | undefined, after: string, limit: number) {
      const members = await byGroup({ groupId, after, limit: limit + 1 });
      const examined = members.slice(0, limit);
      return {
        rows: active === undefined ? examined : examined.filter((row) => row.active === active),
        next: members.length > limit ? (examined.at(-1)?.id ?? null) : null,
      };
    },
  };
}

/**
 * Finds users whose username, name, or with `byEmail` e-mail address begins with the text, in the order of the matching keys. A page
 * may be short when many users match by two keys or fail the filters, because no page reads more than a fixed number of
 * rows.
 */
function prefixSearch(engine: Engine) {
  const [byAllKeys, byPublicKeys] = [prepareKeyReads(engine, ALL_KEYS), prepareKeyReads(engine, PUBLIC_KEYS)];
  return async function beginningWith(
    q: string,
    {
      byEmail,
      active,
      group,
    }: { byEmail: boolean; active?: boolean | undefined; group?: string | undefined },
    after: Cursor | undefined,
    limit: number,
  ): Promise<Found> {
    const text = searchPrefix(q);
    // Nothing is left of marks alone, and everything begins with nothing.
    if (text === '') return { rows: [], next: null };
    const values = {
      from: after?.key ?? text,
      to: text + LAST_CHARACTER,
      after: after?.id ?? '',
      limit: 2 * limit + 1,
      groupId: group,
    };
    const { keys, inAll, inGroup } = byEmail ? byAllKeys : byPublicKeys;
    const rows: Candidate[] = await (group === undefined ? inAll : inGroup)(values);
    const matchesFilters = (row: Candidate) =>
      (active === undefined || row.active === active) && (group === undefined || row.role != null);
    const hits = rows.map((row): Hit => ({ key: row[row.matchedKey] ?? '', row }));
    // Only these are certain to come next: a list that was cut off may continue after them.
    const certain = hits.sort(compareHits).slice(0, values.limit);
    const isCutOff = (key: KeyName) => rows.filter((row) => row.matchedKey === key).length === values.limit;
    const more = keys.some(isCutOff) || hits.length > certain.length;
    const shown: Hit[] = [];
    for (const [index, hit] of certain.entries()) {
      if (!isFirstHit(hit, text, certain[index - 1], keys) || !matchesFilters(hit.row)) continue;
      if (shown.length === limit) return page(shown, shown.at(-1));
      shown.push(hit);
    }
    return page(shown, more ? certain.at(-1) : undefined);
  };
}

/** Prepares the search by these keys: one for all users, and one that adds the role in a group. */
function prepareKeyReads({ build, readAll, tables: { memberships, users } }: Engine, keys: Keys) {
  const columns = pickColumns(users, ...ALL_KEYS);
  const isAfterCursor = (key: AnyColumn) =>
    and(
      gte(key, placeholder('from')),
      lt(key, placeholder('to')),
      not(and(eq(key, placeholder('from')), lte(users.id, placeholder('after'))) ?? eq(key, key)),
    );
  const candidate = (key: KeyName) => ({
    ...shownColumns(users),
    ...columns,
    matchedKey: sql<KeyName>`${sql.raw(`'${key}'`)}`.as('matched_key'),
  });
  const inOrderOf = <Query extends SQLiteSelect>(key: AnyColumn, query: Query) =>
    query.where(isAfterCursor(key)).orderBy(asc(key), asc(users.id)).limit(limitPlaceholder);
  const byKey = (key: KeyName) =>
    inOrderOf(columns[key], build.select(candidate(key)).from(users).$dynamic());
  const ofGroup = and(equals(memberships.groupId, 'groupId'), eq(memberships.userId, users.id));
  // A left join, so that the limit bounds the rows that are read and not only the matches.
  const byKeyInGroup = (key: KeyName) => {
    const shown = { ...candidate(key), role: memberships.role };
    return inOrderOf(columns[key], build.select(shown).from(users).leftJoin(memberships, ofGroup).$dynamic());
  };

  const [first, ...others] = keys;
  return {
    keys,
    inAll: readAll([byKey(first), ...others.map(byKey)]),
    inGroup: readAll([byKeyInGroup(first), ...others.map(byKeyInGroup)]),
  };
}

function page(hits: Hit[], last: Hit | undefined): Found {
  return { rows: hits.map(({ row }) => row), next: last ? { key: last.key, id: last.row.id } : null };
}

/** Compares code points as both engines do; JavaScript would compare UTF-16 units. */
function compareHits(one: Hit, other: Hit): number {
  return Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)) || (one.row.id < other.row.id ? -1 : 1);
}

/** @returns false when an earlier hit is the same user. */
function isFirstHit({ key, row }: Hit, text: string, before: Hit | undefined, keys: Keys): boolean {
  if (!key.startsWith(text) || (before?.row.id === row.id && before.key === key)) return false;
  const matching = keys.map((each) => row[each] ?? '').filter((each) => each.startsWith(text));
  return matching.every((each) => Buffer.compare(Buffer.from(each), Buffer.from(key)) >= 0);
}
