/** What a restored backup undoes of what was taken away since it was made. Somebody has to take it away again. */
import type { Database } from '../db/database.ts';
import { comparisonQueries } from '../db/queries/comparison.ts';
import { everyRange } from '../db/queries/ranges.ts';

export type Undone =
  | { kind: 'user'; username: string; was: 'deleted' | 'disabled' | 'given another password' }
  | {
      kind: 'membership';
      username: string;
      group: string;
      was: 'removed' | 'made a member, who manages nothing';
      /** Whether the group carries every permission (*). */
      isAdministrator: boolean;
    }
  | { kind: 'permission'; group: string; permission: string };

/** @returns what was taken away in the database that is replaced, and is there in the backup. */
export async function* findUndone(restored: Database, replaced: Database): AsyncGenerator<Undone> {
  yield* compareUsers(restored, replaced);
  yield* compareGroups(restored, replaced);
}

async function* compareUsers(restored: Database, replaced: Database): AsyncGenerator<Undone> {
  const [backup, current] = [restored.queries(comparisonQueries), replaced.queries(comparisonQueries)];
  const administering = await backup.administering();
  for await (const { rows, after, last } of everyRange(backup.pageOfUsers)) {
    const users = new Map((await current.usersIn(after, last)).map((row) => [row.id, row]));
    for (const { id, username, active, passwordSetAt } of rows) {
      const now = users.get(id);
      if (!now) yield { kind: 'user', username, was: 'deleted' };
      else if (active && !now.active) yield { kind: 'user', username, was: 'disabled' };
      if (now && now.passwordSetAt !== passwordSetAt)
        yield { kind: 'user', username, was: 'given another password' };
    }
    const names = new Map(rows.map(({ id, username }) => [id, username]));
    const keyOf = (row: { userId: string; groupId: string }) => `${row.userId} ${row.groupId}`;
    const roles = new Map((await current.membershipsIn(after, last)).map((row) => [keyOf(row), row.role]));
    for (const row of await backup.membershipsIn(after, last)) {
      const role = roles.get(keyOf(row));
      if (role === row.role || role === 'manager') continue;
      yield {
        kind: 'membership',
        username: names.get(row.userId) ?? row.userId,
        group: row.group,
        was: role ? 'made a member, who manages nothing' : 'removed',
        isAdministrator: administering.has(row.groupId),
      };
    }
  }
}

async function* compareGroups(restored: Database, replaced: Database): AsyncGenerator<Undone> {
  const [backup, current] = [restored.queries(comparisonQueries), replaced.queries(comparisonQueries)];
  for await (const { rows, after, last } of everyRange(restored.groups.page)) {
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    const carried = new Set(
      (await current.permissionsIn(after, last)).map(({ groupId, permission }) => `${groupId} ${permission}`),
    );
    for (const { groupId, permission } of await backup.permissionsIn(after, last))
      if (!carried.has(`${groupId} ${permission}`))
        yield { kind: 'permission', group: names.get(groupId) ?? groupId, permission };
  }
}
