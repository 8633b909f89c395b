/** Queries for groups and the permissions that they give their members. */
import { and, eq, or, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { compareIds } from '../ids.ts';
import {
  equals,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';
import { pageAfter } from './page-after.ts';

export type GroupRow = NonNullable<Awaited<ReturnType<ReturnType<typeof groupQueries>['find']>>>;

type Group = Pick<Tables['groups']['$inferSelect'], 'id' | 'name' | 'title'>;

export function groupQueries(engine: Engine) {
  return { ...groupReads(engine), ...groupSteps(engine) };
}

function groupReads({ build, read, tables: { groups, groupPermissions } }: Engine) {
  // A row for each permission, because one statement is one round trip to MySQL.
  const withPermission = {
    ...pickColumns(groups, 'id', 'version', 'name', 'title', 'createdAt', 'updatedAt'),
    permission: groupPermissions.permission,
  };
  const ofGroup = eq(groupPermissions.groupId, groups.id);
  const one = () => build.select(withPermission).from(groups).leftJoin(groupPermissions, ofGroup);
  const byId = read(one().where(equals(groups.id, 'id')));
  const byName = read(one().where(equals(groups.name, 'name')));
  const ids = build.select({ id: groups.id }).from(groups).$dynamic();
  const idsAfter = pageAfter(ids, groups.id).as('page');
  const page = read(
    build
      .select(withPermission)
      .from(idsAfter)
      .innerJoin(groups, eq(groups.id, idsAfter.id))
      .leftJoin(groupPermissions, ofGroup),
  );

  /** Groups the rows by id. Groups and permissions are in order. */
  function groupRows(rows: Awaited<ReturnType<typeof byId>>) {
    return [...Map.groupBy(rows, ({ id }) => id).values()]
      .flatMap(([first, ...rest]) => {
        if (!first) return [];
        const { permission: _one, ...group } = first;
        const permissions = [first, ...rest].flatMap(({ permission }) => permission ?? []);
        return [{ ...group, permissions: permissions.sort() }];
      })
      .sort(compareIds);
  }

  return {
    find: async (id: string) => groupRows(await byId({ id }))[0],
    findByName: async (name: string) => groupRows(await byName({ name }))[0],
    page: async (after: string, limit: number) => groupRows(await page({ after, limit })),
  };
}

function groupSteps(engine: Engine) {
  const { build, write } = engine;
  const { groups } = engine.tables;
  const { grant, revokeAll } = permissionSteps(engine);

  const atVersion = and(equals(groups.id, 'id'), equals(groups.version, 'version'));
  const row = placeholdersFor(groups, 'id', 'name', 'title', 'createdAt', 'updatedAt');
  const insert = write(build.insert(groups).values(row), 1);
  const fields = {
    version: sql`${groups.version} + 1`,
    updatedAt: typedPlaceholder('now', groups.updatedAt),
    ...placeholdersFor(groups, 'name', 'title'),
  };
  const update = write(build.update(groups).set(fields).where(atVersion), 1);
  const removal = write(build.delete(groups).where(atVersion), 1);
  const newRightsVersion = { rightsVersion: sql`${groups.rightsVersion} + 1` };
  const lock = preparedByCount((count) => {
    const asRead = Array.from({ length: count }, (_, number) =>
      and(eq(groups.id, placeholder(`id${number}`)), eq(groups.version, placeholder(`version${number}`))),
    );
    const areAsRead = or(...asRead);
    return write(build.update(groups).set(newRightsVersion).where(areAsRead), count);
  });

  return {
    add: (group: Group & { permissions: string[] }, now: number): Step[] => [
      insert({ ...group, createdAt: now, updatedAt: now }),
      ...grant(group.id, group.permissions),
    ],
    /** Requires that the group still has that version, and so does `remove`. */
    change: (group: Group & { version: number }, now: number) => update({ ...group, now }),
    setPermissions: (groupId: string, permissions: string[]): Step[] => [
      revokeAll(groupId),
      ...grant(groupId, permissions),
    ],
    /** Must precede steps that change or rely on the groups' rights (see rightsVersion). Requires their versions. */
    lock(rows: { id: string; version: number }[]): Step {
      const [ids, versions] = [rows.map(({ id }) => id), rows.map(({ version }) => version)];
      return lock(rows.length)({ ...numbered('id', ids), ...numbered('version', versions) });
    },
    remove: (group: { id: string; version: number }) => removal({ ...group }),
  };
}

function permissionSteps({ build, write, tables: { groupPermissions } }: Engine) {
  const groupId = placeholder('groupId');
  // One statement for the whole list.
  const insertPermissions = preparedByCount((count) => {
    const rows = placeholders('permission', count).map((permission) => ({ groupId, permission }));
    return write(build.insert(groupPermissions).values(rows), count);
  });
  const ofGroup = equals(groupPermissions.groupId, 'groupId');
  const removePermissions = write(build.delete(groupPermissions).where(ofGroup), 'any');

  return {
    grant(groupId: string, permissions: string[]): Step[] {
      const count = permissions.length;
      if (count === 0) return [];
      return [insertPermissions(count)({ groupId, ...numbered('permission', permissions) })];
    },
    revokeAll: (groupId: string): Step => removePermissions({ groupId }),
  };
}
