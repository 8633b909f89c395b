/** Interleavings (see interleavings.ts) about one-time codes, and about the last user who holds every permission. */
import { type Ask, disable, holder, type Make, remove, reset } from './interleavings.ts';
import { possible } from './optional.ts';
import type { Person, Stage } from './stage.ts';

/** Issues a code for a user as a clerk. */
async function issued(stage: Stage, by?: (clerk: Person) => Promise<string>) {
  const [{ person: clerk, group }, target] = [await holder(stage, 'users:write'), await stage.target()];
  const answer = await reset(by ? await by(clerk) : clerk, target)(stage);
  const { code }: { code: string } = JSON.parse(answer.body);
  const request: Ask = (stage) =>
    stage.send(null, 'POST /api/sign/reset', { code, password: 'another password' });
  return { clerk, group, target, request };
}

/** Interleavings with requests that use a code. */
export const CODES: Record<string, Make> = possible({
  'A code does not work when its issuer is disabled meanwhile': async (stage) => {
    const { clerk, request } = await issued(stage);
    return { request, meanwhile: disable(clerk.id), status: 400 };
  },
  'A code does not work when its issuer loses users:write meanwhile': async (stage) => {
    const { clerk, group, request } = await issued(stage);
    return { request, meanwhile: (stage) => stage.lose(group, clerk), status: 400 };
  },
  'A code does not work when its user gets more permissions than its issuer meanwhile': async (stage) => {
    const { target, request } = await issued(stage);
    const meanwhile: Ask = (stage) => stage.put(stage.chief, stage.admins, target);
    return { request, meanwhile, status: 400 };
  },
  'A code does not work when a group of its user gets * meanwhile': async (stage) => {
    const { target, request } = await issued(stage);
    const group = await stage.group([], [[target, 'member']]);
    const meanwhile: Ask = (stage) => stage.carry(stage.chief, group, ['*']);
    return { request, meanwhile, status: 400 };
  },
  'A code by a token does not work when the token ends meanwhile': async (stage) => {
    let end: Ask | undefined;
    const { request } = await issued(stage, async (clerk) => {
      const { id, secret } = await stage.token(clerk, ['users:write']);
      end = (stage) => stage.send(clerk, `DELETE /api/tokens/${id}`);
      return secret;
    });
    if (!end) throw new Error('No token issued the code.');
    return { request, meanwhile: end, status: 400 };
  },
  'A code by a token does not work when its user gets more permissions than the token meanwhile': async (
    stage,
  ) => {
    const { clerk, request, target } = await issued(stage, async (clerk) => {
      const { secret } = await stage.token(clerk, ['users:write']);
      return secret;
    });
    const group = await stage.group(['tea:make', 'groups:write'], [[clerk.id, 'manager']]);
    return { request, meanwhile: (stage) => stage.put(clerk, group, target), status: 400 };
  },
  'A code does not work when its user is disabled meanwhile': async (stage) => {
    const { target, request } = await issued(stage);
    return { request, meanwhile: disable(target), status: 400 };
  },
  'A code does not work when its user is deleted meanwhile': async (stage) => {
    const { target, request } = await issued(stage);
    return { request, meanwhile: remove(target), status: 400 };
  },
  'A code does not work when its user is deleted during the reads': async (stage) => {
    const { target, request } = await issued(stage);
    return { request, meanwhile: remove(target), amidReading: true, status: 400 };
  },
  'Issuing a code gives 404 when the user is deleted during the reads': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    return { request: reset(person, target), meanwhile: remove(target), amidReading: true, status: 404 };
  },
  'Issuing a code is refused when the user gets * during the reads': async (stage) => {
    const [{ person }, target] = [await holder(stage, 'users:write'), await stage.target()];
    const meanwhile: Ask = (stage) => stage.put(stage.chief, stage.admins, target);
    return { request: reset(person, target), meanwhile, amidReading: true, status: 403 };
  },
  'A code works when its issuer signs out meanwhile': async (stage) => {
    const { clerk, request } = await issued(stage);
    const meanwhile: Ask = (stage) => stage.send(clerk, 'POST /api/sign/out');
    return { request, meanwhile, status: 204 };
  },
});

/** Two users are the only ones with `*`, and the requests of both would remove an administrator. */
export const LAST: Record<string, Make> = {
  'The last administrator can not leave when the other one leaves meanwhile': async (stage) => {
    const { person, group } = await holder(stage, '*');
    return {
      request: (stage) => stage.remove(stage.chief, stage.admins, stage.chief.id),
      meanwhile: (stage) => stage.remove(person, group, person.id),
      status: 409,
    };
  },
  'The last administrator is kept when the other one is disabled meanwhile': async (stage) => {
    const { person } = await holder(stage, '*');
    const request: Ask = (stage) => stage.remove(stage.chief, stage.admins, stage.chief.id);
    return { request, meanwhile: disable(person.id), status: 409 };
  },
  'The last administrator with a password is kept when a user without one gets * meanwhile (A20)': async (
    stage,
  ) => {
    const target = await stage.target(null);
    return {
      request: (stage) => stage.remove(stage.chief, stage.admins, stage.chief.id),
      meanwhile: (stage) => stage.put(stage.chief, stage.admins, target),
      status: 409,
    };
  },
  'The last administrator can not leave a group to which * moves meanwhile (A17)': async (stage) => {
    const { chief, admins } = stage;
    const group = await stage.group([], [[chief.id, 'manager']]);
    return {
      request: (stage) => stage.remove(chief, group, chief.id),
      meanwhile: async (stage) => {
        await stage.carry(chief, group, ['*']);
        return stage.carry(chief, admins, []);
      },
      status: 409,
    };
  },
  'The last group with * keeps it when the other group loses it meanwhile': async (stage) => {
    const { chief, admins } = stage;
    const { group } = await holder(stage, '*');
    return {
      request: (stage) => stage.carry(chief, admins, ['groups:write']),
      meanwhile: (stage) => stage.carry(chief, group, []),
      status: 409,
    };
  },
};
