/** What is asked of groups and the permissions that they carry. */
import { and, asc, eq, gt, or, sql } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { inOrderOfIds } from '../ids.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
  typedPlaceholdersFor,
} from '../schema/column-types.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';

export type GroupRow = NonNullable<Awaited<ReturnType<ReturnType<typeof groupQueries>['find']>>>;

export function groupQueries(engine: Engine) {
  const { build, read, write } = engine;
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
    .where(gt(groups.id, placeholder('after')))
    .orderBy(asc(groups.id))
    .limit(limitPlaceholder)
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
      ...placeholdersFor('id', 'name', 'title'),
      createdAt: placeholder('now'),
      updatedAt: placeholder('now'),
    }),
    1,
  );
  const update = write(
    build
      .update(groups)
      .set({
        version: sql`${groups.version} + 1`,
        updatedAt: typedPlaceholder('now', groups.updatedAt),
        ...typedPlaceholdersFor(groups, 'name', 'title'),
      })
      .where(and(equals(groups.id, 'id'), equals(groups.version, 'version'))),
    1,
  );
  const guard = preparedByCount((count) => {
    const isAsRead = Array.from({ length: count }, (_, number) =>
      and(eq(groups.id, placeholder(`id${number}`)), eq(groups.version, placeholder(`version${number}`))),
    );
    return write(
      build
        .update(groups)
        .set({ rightsVersion: sql`${groups.rightsVersion} + 1` })
        .where(or(...isAsRead)),
      count,
    );
  });
  const removal = write(
    build.delete(groups).where(and(equals(groups.id, 'id'), equals(groups.version, 'version'))),
    1,
  );
  // A list of a hundred is not a hundred statements.
  const insertPermissions = preparedByCount((count) => {
    const rows = placeholders('permission', count).map((permission) => ({
      groupId: placeholder('groupId'),
      permission,
    }));
    return write(build.insert(groupPermissions).values(rows), count);
  });
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
  function grant(groupId: string, permissions: string[]): Step[] {
    const count = permissions.length;
    return count === 0 ? [] : [insertPermissions(count)({ groupId, ...numbered('permission', permissions) })];
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
    add(group: GroupFields & { id: string }, now: number): Step[] {
      return [insert({ ...group, now }), ...grant(group.id, group.permissions)];
    },
    /** A write that takes effect only while the group has that version. */
    change: (group: { id: string; version: number; name: string; title: string }, now: number) =>
      update({ ...group, now }),
    setPermissions(groupId: string, permissions: string[]): Step[] {
      return [removePermissions({ groupId }), ...grant(groupId, permissions)];
    },
    /**
     * Must come before whatever gives, takes or relies on the groups' rights (see rightsVersion). It takes effect only while
     * the groups have these versions.
     */
    guard(rows: { id: string; version: number }[]): Step {
      const [ids, versions] = [rows.map(({ id }) => id), rows.map(({ version }) => version)];
      return guard(rows.length)({ ...numbered('id', ids), ...numbered('version', versions) });
    },
    remove: (group: { id: string; version: number }) => removal({ ...group }),
  };
}

interface GroupFields {
  name: string;
  title: string;
  permissions: string[];
}
