/** Random steps about users, codes, groups and members. See model-steps.ts. */
import { whoIs } from './model.ts';
import * as groups from './model-groups.ts';
import { ANONYMOUS, type Maker, step } from './model-steps.ts';
import * as users from './model-users.ts';

/** No more users or groups are made beyond these numbers. */
const MOST_USERS = 12;
const MOST_GROUPS = 9;
const FEWEST = 6;

interface User {
  id: string;
  username: string;
  name: string;
  active: boolean;
  email?: string | null;
  pendingEmail?: string | null;
  lastSignInAt?: string | null;
}

/** @returns what the model predicts of an answer: of the last sign-in, only whether it is shown. */
const shown = ({ id, username, name, active, email, pendingEmail, lastSignInAt }: User) => ({
  ...{ id, username, name, active },
  ...(email === undefined ? {} : { email }),
  ...(pendingEmail === undefined ? {} : { pendingEmail }),
  tellsLastSignIn: lastSignInAt !== undefined,
});

const createUser: Maker = (scene, caller) => {
  const { random, world } = scene;
  if (world.users.size >= MOST_USERS) return deleteUser(scene, caller);
  const body = {
    username: scene.name('users'),
    ...(random.chance(0.5) ? { email: scene.email() } : {}),
    ...(random.chance(0.4) ? { password: scene.newPassword() } : {}),
  };
  return step(caller, 'POST /api/users', users.createUser(world, caller, body), { body });
};

const deleteUser: Maker = (scene, caller) => {
  if (scene.world.users.size < FEWEST) return createUser(scene, caller);
  const id = scene.key('users');
  return step(caller, `DELETE /api/users/${id}`, users.deleteUser(scene.world, caller, id));
};

const changeUser: Maker = (scene, caller) => {
  const { random, world } = scene;
  const own = random.chance(0.25) ? whoIs(world, caller)?.user.id : undefined;
  const id = own ?? scene.key('users');
  const active = world.users.get(id)?.active ?? true;
  const changes = {
    ...(random.chance(0.15) ? { username: scene.name('users') } : {}),
    ...(random.chance(0.2) ? { email: random.chance(0.2) ? null : scene.email() } : {}),
    ...(random.chance(active ? 0.25 : 0.6) ? { active: !active } : {}),
  };
  const body = Object.keys(changes).length > 0 ? changes : { name: scene.newName('users') };
  const read = (text: string) => {
    const user: User = JSON.parse(text);
    return shown(user);
  };
  return step(caller, `PATCH /api/users/${id}`, users.changeUser(world, caller, id, body), { body, read });
};

const issueCode: Maker = (scene, caller) => {
  const id = scene.key('users');
  return step(caller, `POST /api/users/${id}/reset`, users.issueCode(scene.world, caller, id));
};

const useCode: Maker = (scene) => {
  const body = { code: scene.key('codes'), password: scene.newPassword() };
  const verdict = users.useCode(scene.world, body.code, body.password);
  return step(ANONYMOUS, 'POST /api/sign/reset', verdict, { body });
};

const createGroup: Maker = (scene, caller) => {
  if (scene.world.groups.size >= MOST_GROUPS) return deleteGroup(scene, caller);
  const permissions = scene.random.chance(0.8) ? scene.permissions() : undefined;
  const body = { name: scene.name('groups'), ...(permissions ? { permissions } : {}) };
  const verdict = groups.createGroup(scene.world, caller, body.name, permissions);
  return step(caller, 'POST /api/groups', verdict, { body });
};

const deleteGroup: Maker = (scene, caller) => {
  if (scene.world.groups.size < FEWEST) return createGroup(scene, caller);
  const id = scene.key('groups');
  return step(caller, `DELETE /api/groups/${id}`, groups.deleteGroup(scene.world, caller, id));
};

const changeGroup: Maker = (scene, caller) => {
  const id = scene.key('groups');
  const renames = scene.random.chance(0.25);
  const body = renames ? { name: scene.name('groups') } : { permissions: scene.permissions() };
  return step(caller, `PATCH /api/groups/${id}`, groups.changeGroup(scene.world, caller, id, body), { body });
};

const putMember: Maker = (scene, caller) => {
  const [id, userId] = [scene.key('groups'), scene.key('users')];
  const role = scene.random.chance(0.3) ? 'manager' : 'member';
  const read = (text: string) => {
    const { user, role }: { user: User; role: string } = JSON.parse(text);
    return { id: user.id, role };
  };
  const verdict = groups.putMember(scene.world, caller, id, userId, role);
  return step(caller, `PUT /api/groups/${id}/members/${userId}`, verdict, { body: { role }, read });
};

const removeMember: Maker = (scene, caller) => {
  const { random, world } = scene;
  const id = scene.key('groups');
  const members = [...(world.groups.get(id)?.members.keys() ?? [])];
  const own = random.chance(0.2) ? whoIs(world, caller)?.user.id : undefined;
  const member = random.chance(0.85) ? random.pick(members) : undefined;
  const userId = own ?? member ?? scene.key('users');
  const verdict = groups.removeMember(world, caller, id, userId);
  return step(caller, `DELETE /api/groups/${id}/members/${userId}`, verdict);
};

const readUser: Maker = (scene, caller) => {
  if (scene.random.chance(0.5)) {
    const read = (text: string) => {
      const { items }: { items: User[] } = JSON.parse(text);
      return items.map(shown).sort(users.byId);
    };
    return step(caller, 'GET /api/users?limit=100', users.listUsers(scene.world, caller), { read });
  }
  const id = scene.key('users');
  const read = (text: string) => {
    const user: User = JSON.parse(text);
    return shown(user);
  };
  return step(caller, `GET /api/users/${id}`, users.readUser(scene.world, caller, id), { read });
};

const readGroups: Maker = (scene, caller) => {
  const { random, world } = scene;
  const way = random.next();
  if (way < 0.4) {
    const id = scene.key('groups');
    const read = (text: string) => {
      const { items }: { items: { user: User; role: string }[] } = JSON.parse(text);
      return items.map(({ user, role }) => [user.id, role]).sort();
    };
    const verdict = groups.listMembers(world, caller, id);
    return step(caller, `GET /api/groups/${id}/members?limit=100`, verdict, { read });
  }
  if (way < 0.7) {
    const id = scene.key('users');
    const read = (text: string) => {
      const { items }: { items: { group: { name: string }; role: string }[] } = JSON.parse(text);
      return items.map(({ group, role }) => [group.name, role]).sort();
    };
    const verdict = groups.listGroupsOfUser(world, caller, id);
    return step(caller, `GET /api/users/${id}/groups?limit=100`, verdict, { read });
  }
  const read = (text: string) => {
    const { items }: { items: { id: string; name: string; permissions: string[] }[] } = JSON.parse(text);
    return items.map(({ id, name, permissions }) => [id, name, permissions]).sort();
  };
  return step(caller, 'GET /api/groups?limit=100', groups.listGroups(world, caller), { read });
};

const readAudit: Maker = ({ world }, caller) =>
  step(caller, 'GET /api/audit?limit=1', users.readAudit(world, caller));

/** The steps, each with its weight. */
export const ACCOUNT_STEPS: readonly (readonly [number, Maker])[] = [
  [4, createUser],
  [2, deleteUser],
  [12, changeUser],
  [12, issueCode],
  [4, useCode],
  [3, createGroup],
  [2, deleteGroup],
  [9, changeGroup],
  [11, putMember],
  [8, removeMember],
  [2, readUser],
  [3, readGroups],
  [1, readAudit],
];
