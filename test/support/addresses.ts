/** Users with e-mail addresses, and others who may see or confirm these. */
import { randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { makeUser, quickHashing, signedIn, startService } from './service.ts';

const ENDS = 'g';

/** Puts the user into a new group of these permissions. @returns the id of the group. */
export async function grant(app: App, userId: string, ...permissions: string[]) {
  const group = { id: randomUUIDv7(), name: `group-${randomUUIDv7()}`, title: '', permissions };
  await app.db.atomically([
    ...app.db.groups.add(group, Date.now()),
    app.db.memberships.add({ groupId: group.id, userId, role: 'member' }, Date.now()),
  ]);
  return group.id;
}

/** @returns an administrator and a clerk, and what makes a signed-in user with an address of NAME@example.org. */
export async function startAddresses(t: Test, engine: TestEngine) {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  await grant(app, await makeUser(app, 'clerk'), 'users:write');
  const [chief, clerk] = [await signedIn(app, 'chief'), await signedIn(app, 'clerk')];
  const person = async (username: string) => {
    const id = await makeUser(app, username);
    const client = await signedIn(app, username);
    const change = (changes: object, by = client, headers = {}) =>
      by.request('PATCH', `/api/users/${id}`, changes, headers);
    const addresses = async () => {
      const { email, pendingEmail } = (await app.db.users.find(id)) ?? {};
      return { email, pendingEmail };
    };
    return { id, client, change, addresses };
  };
  const newestEntry = async () => (await app.db.audit.page({}, '', ENDS, 1))[0];
  return { app, chief, clerk, person, newestEntry };
}
