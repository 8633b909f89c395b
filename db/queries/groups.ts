/** What is asked of groups and the permissions that they carry. */
import { and, asc, eq, gt, sql } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { inOrderOfIds } from '../ids.ts';
import { given, givenAs } from '../vocabulary.ts';

export type GroupRow = NonNullable<Awaited<ReturnType<ReturnType<typeof groupQueries>['find']>>>;

export function groupQueries(engine: Engine) {
  const { build, equals, givenLimit, read, write } = engine;
  const { groups, groupPermissions } = engine.tables;

  const columns = {
    id: groups.id,
    version: groups.version,
    name: groups.name,
    title: groups.title,
    createdAt: groups.createdAt,
    updatedAt: groups.updatedAt,
  };
  /** Groups with what they carry, a row for each permission: all in one statement, which on MySQL is a round trip less. */
  const carried = { ...columns, permission: groupPermissions.permission };
  const carrying = eq(groupPermissions.groupId, groups.id);
  const one = () => build.select(carried).from(groups).leftJoin(groupPermissions, carrying);
  const byId = read(one().where(equals(groups.id, 'id')));
  const byName = read(one().where(equals(groups.name, 'name')));
  const idsAfter = build
    .select({ id: groups.id })
    .from(groups)
    .where(gt(groups.id, given('after')))
    .orderBy(asc(groups.id))
    .limit(givenLimit)
    .as('page');
  const pageAfter = read(
    build
      .select(carried)
      .from(idsAfter)
      .innerJoin(groups, eq(groups.id, idsAfter.id))
      .leftJoin(groupPermissions, carrying),
  );
  const insert = write(
    build.insert(groups).values({
      id: given('id'),
      createdAt: given('now'),
      updatedAt: given('now'),
      name: given('name'),
      title: given('title'),
    }),
    1,
  );
  const update = write(
    build
      .update(groups)
      .set({
        version: sql`${groups.version} + 1`,
        updatedAt: givenAs('now', groups.updatedAt),
        name: givenAs('name', groups.name),
        title: givenAs('title', groups.title),
      })
      .where(and(equals(groups.id, 'id'), equals(groups.version, 'version'))),
    1,
  );
  const removal = write(
    build.delete(groups).where(and(equals(groups.id, 'id'), equals(groups.version, 'version'))),
    1,
  );
  const insertPermissions = (count: number) => {
    const rows = Array.from({ length: count }, (_, number) => ({
      groupId: given('groupId'),
      permission: given(`permission${number}`),
    }));
    return write(build.insert(groupPermissions).values(rows), count);
  };
  /** By how many they insert: a list of a hundred is not a hundred statements. Prepared when first needed. */
  const inserts = new Map<number, ReturnType<typeof insertPermissions>>();
  const removePermissions = write(
    build.delete(groupPermissions).where(equals(groupPermissions.groupId, 'groupId')),
    'any',
  );

  /** @returns the groups of the rows, in the order of their ids, each with its permissions in order. */
  function folded(rows: Awaited<ReturnType<typeof byId>>) {
    return [...Map.groupBy(rows, ({ id }) => id).values()]
      .flatMap(([first, ...rest]) => {
        if (!first) return [];
        const { permission: _one, ...group } = first;
        const permissions = [first, ...rest].flatMap(({ permission }) => permission ?? []);
        return [{ ...group, permissions: permissions.sort() }];
      })
      .sort(inOrderOfIds);
  }
  function grant(groupId: string, permissions: string[]): Write[] {
    const count = permissions.length;
    if (count === 0) return [];
    const insert = inserts.get(count) ?? insertPermissions(count);
    inserts.set(count, insert);
    const named = permissions.map((permission, number) => [`permission${number}`, permission]);
    return [insert({ groupId, ...Object.fromEntries(named) })];
  }

  return {
    async find(id: string) {
      return folded(await byId({ id }))[0];
    },
    async findByName(name: string) {
      return folded(await byName({ name }))[0];
    },
    /** @returns at most `limit` groups whose ids follow `after`, in the order of their ids. */
    async page(after: string, limit: number) {
      return folded(await pageAfter({ after, limit }));
    },
    add(group: GroupFields & { id: string }, now: number): Write[] {
      return [insert({ ...group, now }), ...grant(group.id, group.permissions)];
    },
    /** A write that takes effect only while the group has that version. */
    change(group: { id: string; version: number; name: string; title: string }, now: number) {
      return update({ ...group, now });
    },
    setPermissions(groupId: string, permissions: string[]): Write[] {
      return [removePermissions({ groupId }), ...grant(groupId, permissions)];
    },
    remove(group: { id: string; version: number }) {
      return removal({ ...group });
    },
  };
}

interface GroupFields {
  name: string;
  title: string;
  permissions: string[];
}
