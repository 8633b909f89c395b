/** Checks in the database that the service still has an administrator. */
import type { App } from '../../app.ts';

/** @returns whether an active user holds every permission (`*`). */
export async function hasAdministrator(db: App['db']): Promise<boolean> {
  for (const { id, active } of await db.users.page('', 1000))
    if (active && (await db.permissions.ofUser(id)).includes('*')) return true;
  return false;
}
