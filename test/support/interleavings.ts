/**
 * The cases of test/accounts/interleaving.test.ts. In each case a second request changes the database after a rule has read and
 * before it writes, and the first request must get the given status.
 */
import type { ModelAnswer } from './model-steps.ts';
import { possible } from './optional.ts';
import type { Person, Stage } from './stage.ts';

export type Ask = (stage: Stage) => Promise<ModelAnswer>;

export interface Interleaving {
  /** The first request, which is held between reading and writing. */
  request: Ask;
  /** The second request, which runs before the first one writes. */
  meanwhile: Ask;
  /** Runs the second request during the reads: before the permissions of the target are read. */
  amidReading?: boolean;
  /** The status that the first request must get. */
  status: number;
  /** @returns whether the database is as expected afterwards. */
  afterwards?: (stage: Stage, answer: ModelAnswer) => Promise<boolean>;
}

export type Make = (stage: Stage) => Promise<Interleaving>;

export const reset =
  (by: Person | string, userId: string): Ask =>
  (stage) =>
    stage.send(by, `POST /api/users/${userId}/reset`);
const makeUser =
  (by: Person | string): Ask =>
  (stage) =>
    stage.send(by, 'POST /api/users', { username: `made-${Math.random()}` });
export const disable =
  (userId: string): Ask =>
  (stage) =>
    stage.disable(stage.chief, userId);
export const remove =
  (userId: string): Ask =>
  (stage) =>
    stage.send(stage.chief, `DELETE /api/users/${userId}`);
export const endSessions =
  (userId: string): Ask =>
  (stage) =>
    stage.send(stage.chief, `DELETE /api/users/${userId}/sessions`);

/** @returns a user who holds the permissions only through one group, and this group. */
export async function holder(stage: Stage, ...permissions: string[]) {
  const person = await stage.person();
  return { person, group: await stage.group(permissions, [[person.id, 'member']]) };
}

export const INTERLEAVINGS: Record<string, Make> = possible({
  'Issuing a code is refused when the user joins a group with * meanwhile': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    const meanwhile: Ask = (stage) => stage.put(stage.chief, stage.admins, target);
    return { request: reset(person, target), meanwhile, status: 403 };
  },
  'Issuing a code is refused when a group of the user gets * meanwhile': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    const group = await stage.group([], [[target, 'member']]);
    const meanwhile: Ask = (stage) => stage.carry(stage.chief, group, ['*']);
    return { request: reset(person, target), meanwhile, status: 403 };
  },
  'Adding a member is refused when the group gets * meanwhile': async (stage) => {
    const { person } = await holder(stage, 'groups:write');
    const group = await stage.group([]);
    return {
      request: (stage) => stage.put(person, group, person.id),
      meanwhile: (stage) => stage.carry(stage.chief, group, ['*']),
      status: 403,
      afterwards: async (stage) => !(await stage.held(person.id)).includes('*'),
    };
  },
  'Adding a member gives 404 when the group is deleted meanwhile': async (stage) => {
    const group = await stage.group([]);
    const target = await stage.target();
    return {
      request: (stage) => stage.put(stage.chief, group, target),
      meanwhile: (stage) => stage.send(stage.chief, `DELETE /api/groups/${group}`),
      status: 404,
    };
  },
  'Adding a member gives 404 when the user is deleted meanwhile': async (stage) => {
    const [group, target] = [await stage.group([]), await stage.target()];
    const request: Ask = (stage) => stage.put(stage.chief, group, target);
    return { request, meanwhile: remove(target), status: 404 };
  },
  'PUT of another role adds the member again when they are removed meanwhile (A12)': async (stage) => {
    const target = await stage.target();
    const group = await stage.group([], [[target, 'member']]);
    return {
      request: (stage) => stage.put(stage.chief, group, target, 'manager'),
      meanwhile: (stage) => stage.remove(stage.chief, group, target),
      status: 200,
      afterwards: (stage) => stage.isMember(group, target),
    };
  },
  'PUT member twice at once creates one membership': async (stage) => {
    const [group, target] = [await stage.group([]), await stage.target()];
    const request: Ask = (stage) => stage.put(stage.chief, group, target);
    return { request, meanwhile: request, status: 200 };
  },
  'DELETE member twice at once gives 404 to the second request': async (stage) => {
    const target = await stage.target();
    const group = await stage.group([], [[target, 'member']]);
    const request: Ask = (stage) => stage.remove(stage.chief, group, target);
    return { request, meanwhile: request, status: 404 };
  },
  'A manager who becomes a plain member meanwhile can not add a member': async (stage) => {
    const [person, target] = [await stage.person(), await stage.target()];
    const group = await stage.group([], [[person.id, 'manager']]);
    return {
      request: (stage) => stage.put(person, group, target),
      meanwhile: (stage) => stage.put(stage.chief, group, person.id, 'member'),
      status: 403,
    };
  },
  'A caller who is disabled meanwhile can not create a user': async (stage) => {
    const { person } = await holder(stage, 'users:write');
    return { request: makeUser(person), meanwhile: disable(person.id), status: 401 };
  },
  'A caller who is deleted meanwhile can not create a user': async (stage) => {
    const { person } = await holder(stage, 'users:write');
    return { request: makeUser(person), meanwhile: remove(person.id), status: 401 };
  },
  'A caller who loses users:write meanwhile can not create a user': async (stage) => {
    const { person, group } = await holder(stage, 'users:write');
    return { request: makeUser(person), meanwhile: (stage) => stage.lose(group, person), status: 403 };
  },
  'A token that ends meanwhile can not create a user': async (stage) => {
    const { person } = await holder(stage, 'users:write');
    const { id, secret } = await stage.token(person, ['users:write']);
    const meanwhile: Ask = (stage) => stage.send(person, `DELETE /api/tokens/${id}`);
    return { request: makeUser(secret), meanwhile, status: 401 };
  },
  'A caller who loses a permission meanwhile can not create a group with it': async (stage) => {
    const { person } = await holder(stage, 'groups:write');
    const tea = await stage.group(['tea:make'], [[person.id, 'member']]);
    const body = { name: `tea-${tea}`, permissions: ['tea:make'] };
    return {
      request: (stage) => stage.send(person, 'POST /api/groups', body),
      meanwhile: (stage) => stage.lose(tea, person),
      status: 403,
    };
  },
  'A session that ends meanwhile can not create a token': async (stage) => {
    const person = await stage.person();
    return {
      request: (stage) => stage.send(person, 'POST /api/tokens', { name: 'lasting' }),
      meanwhile: endSessions(person.id),
      status: 401,
    };
  },
  'A user who loses a permission meanwhile can not create a token with it': async (stage) => {
    const { person, group } = await holder(stage, 'tea:make');
    return {
      request: (stage) => stage.send(person, 'POST /api/tokens', { name: 'tea', scopes: ['tea:make'] }),
      meanwhile: (stage) => stage.lose(group, person),
      status: 403,
    };
  },
  'A session that ends meanwhile can not change the e-mail address': async (stage) => {
    const person = await stage.person();
    const body = { email: `${person.username}@example.org` };
    return {
      request: (stage) => stage.send(person, `PATCH /api/users/${person.id}`, body),
      meanwhile: endSessions(person.id),
      status: 401,
    };
  },
  'Giving oneself an address is refused when one loses users:write meanwhile': async (stage) => {
    const { person, group } = await holder(stage, 'users:write');
    const body = { email: `${person.username}@example.org` };
    return {
      request: (stage) => stage.send(person, `PATCH /api/users/${person.id}`, body),
      meanwhile: (stage) => stage.lose(group, person),
      status: 403,
      afterwards: async (stage) => {
        const { users } = await stage.service.operator.state();
        return users.every(({ email, pendingEmail }) => email === null && pendingEmail === null);
      },
    };
  },
  'A user who joins a group with * meanwhile can not be disabled by a caller without *': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    return {
      request: (stage) => stage.disable(person, target),
      meanwhile: (stage) => stage.put(stage.chief, stage.admins, target),
      status: 403,
    };
  },
  'A user who joins a group with * meanwhile can not be deleted by a caller without *': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    return {
      request: (stage) => stage.send(person, `DELETE /api/users/${target}`),
      meanwhile: (stage) => stage.put(stage.chief, stage.admins, target),
      status: 403,
    };
  },
  'A group that gets * meanwhile can not be deleted by a caller without *': async (stage) => {
    const { person } = await holder(stage, 'groups:write');
    const group = await stage.group([]);
    return {
      request: (stage) => stage.send(person, `DELETE /api/groups/${group}`),
      meanwhile: (stage) => stage.carry(stage.chief, group, ['*']),
      status: 403,
    };
  },
});
