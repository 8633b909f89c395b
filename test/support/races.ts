/**
 * Races between two concurrent requests. Each may succeed alone, but both together must never have the described result. They run
 * a few times in one process (test/accounts/races.test.ts) and a hundred times against real workers (test/long/races.test.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { ModelService } from './model-run.ts';
import type { ModelAnswer } from './model-steps.ts';
import { possible } from './optional.ts';
import { type Person, Stage } from './stage.ts';

type Ask = () => Promise<ModelAnswer>;
/** Starts both requests at nearly the same time; the round decides which is first, and by how many turns of the event loop. */
type Together = (one: Ask, other: Ask) => Promise<[ModelAnswer, ModelAnswer]>;
/** @returns the faults, each as a sentence. */
type Race = (stage: Stage, together: Together, round: number) => Promise<string[]>;

export function togetherIn(round: number): Together {
  return async (one, other) => {
    const later = async (ask: Ask) => {
      for (let turns = 0; turns < round >> 1; turns++) await turn();
      return ask();
    };
    return round % 2 === 0 ? Promise.all([one(), later(other)]) : Promise.all([later(one), other()]);
  };
}

export const wrongs = (checks: Record<string, boolean>) =>
  Object.entries(checks).flatMap(([what, isWrong]) => (isWrong ? [what] : []));

const reset = (stage: Stage, by: Person | string, userId: string) => () =>
  stage.send(by, `POST /api/users/${userId}/reset`);

/** Issues a code at the same time as a change that must invalidate it, whichever comes first. */
async function codeBeside(
  stage: Stage,
  together: Together,
  issue: Ask,
  change: Ask,
  otherStatuses: number[],
): Promise<string[]> {
  const [issued, changed] = await together(issue, change);
  const used = await stage.useCodeOf(issued);
  return wrongs({
    [`the other change was answered ${changed.status} ${changed.body}`]: changed.status > 204,
    [`the code was answered ${issued.status} ${issued.body}`]: ![201, ...otherStatuses].includes(
      issued.status,
    ),
    'the code works, though its issuer may not issue it any more': used !== 400,
  });
}

export const RACES: Record<string, Race> = possible({
  'An address that is pending for two users is given to one of them': async (stage, together) => {
    const [one, other] = [await stage.person(), await stage.person()];
    const email = `${one.username}@example.org`;
    const give =
      (by: Person, { id }: Person) =>
      () =>
        stage.send(by, `PATCH /api/users/${id}`, { email });
    for (const person of [one, other]) await give(person, person)();
    const answers = await together(give(stage.chief, one), give(stage.chief, other));
    const { users } = await stage.service.operator.state();
    const count = (field: 'email' | 'pendingEmail') => users.filter((user) => user[field] === email).length;
    const statuses = answers.map(({ status }) => status).sort();
    const left = `${statuses}, ${count('email')} with the address, ${count('pendingEmail')} waiting`;
    return wrongs({ [left]: left !== '200,409, 1 with the address, 1 waiting' });
  },

  'A code issued while its user joins a group with * does not open the account (A10a)': async (
    stage,
    together,
  ) => {
    const [clerk, target] = [await stage.person('users:write'), await stage.target()];
    const group = await stage.group(['*']);
    const grant = () => stage.put(stage.chief, group, target);
    return codeBeside(stage, together, reset(stage, clerk, target), grant, [403]);
  },

  'A code issued while a group of its user gets * does not open the account (A10a)': async (
    stage,
    together,
  ) => {
    const [clerk, target] = [await stage.person('users:write'), await stage.target()];
    const group = await stage.group([], [[target, 'member']]);
    const grant = () => stage.carry(stage.chief, group, ['*']);
    return codeBeside(stage, together, reset(stage, clerk, target), grant, [403]);
  },

  'A code of a new user does not work when its issuer is disabled at the same time': async (
    stage,
    together,
    round,
  ) => {
    const clerk = await stage.person('users:write');
    const make = () => stage.send(clerk, 'POST /api/users', { username: `new-${clerk.username}-${round}` });
    return codeBeside(stage, together, make, () => stage.disable(stage.chief, clerk.id), [401]);
  },

  'A code does not work when its issuer is disabled at the same time and enabled later': async (
    stage,
    together,
  ) => {
    const [clerk, target] = [await stage.person('users:write'), await stage.target()];
    const [issued, disabled] = await together(reset(stage, clerk, target), () =>
      stage.disable(stage.chief, clerk.id),
    );
    await stage.send(stage.chief, `PATCH /api/users/${clerk.id}`, { active: true });
    return wrongs({
      [`disabling was answered ${disabled.status}`]: disabled.status !== 200,
      [`the code was answered ${issued.status}`]: ![201, 401].includes(issued.status),
      'the code works': (await stage.useCodeOf(issued)) !== 400,
    });
  },

  'A code of a new user does not work when its issuer is disabled at the same time and enabled later': async (
    stage,
    together,
    round,
  ) => {
    const clerk = await stage.person('users:write');
    const username = `newer-${clerk.username}-${round}`;
    const [made, disabled] = await together(
      () => stage.send(clerk, 'POST /api/users', { username }),
      () => stage.disable(stage.chief, clerk.id),
    );
    await stage.send(stage.chief, `PATCH /api/users/${clerk.id}`, { active: true });
    return wrongs({
      [`disabling was answered ${disabled.status}`]: disabled.status !== 200,
      [`the code was answered ${made.status}`]: ![201, 401].includes(made.status),
      'the code works': (await stage.useCodeOf(made)) !== 400,
    });
  },

  'A code does not work when its issuer is deleted at the same time': async (stage, together) => {
    const [clerk, target] = [await stage.person('users:write'), await stage.target()];
    const end = () => stage.send(stage.chief, `DELETE /api/users/${clerk.id}`);
    return codeBeside(stage, together, reset(stage, clerk, target), end, [401]);
  },

  'A code by a token does not work when the token ends at the same time (A2, A19)': async (
    stage,
    together,
  ) => {
    const [clerk, target] = [await stage.person('users:write'), await stage.target()];
    const { id, secret } = await stage.token(clerk, ['users:write']);
    const end = () => stage.send(clerk, `DELETE /api/tokens/${id}`);
    return codeBeside(stage, together, reset(stage, secret, target), end, [401]);
  },

  'A code does not work when its issuer loses users:write at the same time (A19)': async (
    stage,
    together,
  ) => {
    const [clerk, target] = [await stage.person(), await stage.target()];
    const clerks = await stage.group(['users:write'], [[clerk.id, 'member']]);
    const loss = () => stage.remove(stage.chief, clerks, clerk.id);
    return codeBeside(stage, together, reset(stage, clerk, target), loss, [403]);
  },

  'Adding a member while the group gets * is refused or comes first, as the answer says (A10b)': async (
    stage,
    together,
  ) => {
    const keeper = await stage.person('groups:write');
    const group = await stage.group([]);
    const [join, grant] = await together(
      () => stage.put(keeper, group, keeper.id),
      () => stage.carry(stage.chief, group, ['*']),
    );
    const holds = (await stage.held(keeper.id)).includes('*');
    return wrongs({
      [`* was answered ${grant.status}`]: grant.status !== 200,
      [`joining was answered ${join.status}`]: ![200, 403].includes(join.status),
      'who was refused is in the group, or who joined is not': holds !== (join.status === 200),
    });
  },

  'A token created while its owner is disabled does not authenticate (A10c)': async (stage, together) => {
    const owner = await stage.person('audit:read');
    const [made, disabled] = await together(
      () => stage.send(owner, 'POST /api/tokens', { name: 'race', scopes: ['audit:read'] }),
      () => stage.disable(stage.chief, owner.id),
    );
    const { secret = 'none' }: { secret?: string } = JSON.parse(made.body);
    return wrongs({
      [`disabling was answered ${disabled.status}`]: disabled.status !== 200,
      [`the token was answered ${made.status}`]: ![201, 401].includes(made.status),
      'the token lets in': (await stage.send(secret, 'GET /api/sign')).status !== 401,
      'the session lets in': (await stage.send(owner, 'GET /api/sign')).status !== 401,
    });
  },

  'A token created while its owner gets another password by a code does not authenticate': async (
    stage,
    together,
  ) => {
    const owner = await stage.person();
    const { body } = await reset(stage, stage.chief, owner.id)();
    const { code }: { code: string } = JSON.parse(body);
    const [made, changed] = await together(
      () => stage.send(owner, 'POST /api/tokens', { name: 'race' }),
      () => stage.send(null, 'POST /api/sign/reset', { code, password: 'another password' }),
    );
    const { secret = 'none' }: { secret?: string } = JSON.parse(made.body);
    return wrongs({
      [`the reset was answered ${changed.status}`]: changed.status !== 204,
      [`the token was answered ${made.status}`]: ![201, 401].includes(made.status),
      'the token lets in': (await stage.send(secret, 'GET /api/sign')).status !== 401,
    });
  },

  'Leaving a group while * moves to it keeps an administrator (A17)': async (stage, together) => {
    const { chief } = stage;
    await stage.service.operator.removeGroups();
    const admins = await stage.group(['*'], [[chief.id, 'manager']]);
    const other = await stage.group([], [[chief.id, 'manager']]);
    const answers = await together(
      () => stage.remove(chief, other, chief.id),
      async () => {
        await stage.carry(chief, other, ['*']);
        return stage.carry(chief, admins, []);
      },
    );
    return wrongs({
      [`the answers were ${answers.map(({ status }) => status)}`]: answers.some(({ status }) => status > 409),
      'no user who can sign in holds *': !(await stage.hasAdministrator()),
    });
  },

  'PUT and DELETE of the same member at once never give 404 for an existing user (A12)': async (
    stage,
    together,
    round,
  ) => {
    const { chief } = stage;
    const target = await stage.target();
    const wasMember = round % 3 === 0;
    const group = await stage.group([], wasMember ? [[target, 'member']] : []);
    const [put, removed] = await together(
      () => stage.put(chief, group, target, 'manager'),
      () => stage.remove(chief, group, target),
    );
    return wrongs({
      [`PUT was answered ${put.status} ${put.body}`]: put.status !== 200,
      [`DELETE was answered ${removed.status} ${removed.body}`]: !(wasMember ? [204] : [204, 404]).includes(
        removed.status,
      ),
      'DELETE found no member, and there is none':
        removed.status === 404 && !(await stage.isMember(group, target)),
    });
  },

  'A request about a user who is deleted at the same time is answered as before or after the deletion':
    async (stage, together, round) => {
      const { chief } = stage;
      const target = await stage.target();
      const group = await stage.group([], [[target, 'member']]);
      const { body } = await reset(stage, chief, target)();
      const { code }: { code: string } = JSON.parse(body);
      const asks: [Ask, number[]][] = [
        [() => stage.send(null, 'POST /api/sign/reset', { code, password: 'another password' }), [204, 400]],
        [reset(stage, chief, target), [201, 404]],
        [() => stage.send(chief, `PATCH /api/users/${target}`, { email: null }), [200, 404]],
        [() => stage.put(chief, group, target, 'manager'), [200, 404]],
        [() => stage.remove(chief, group, target), [204, 404]],
        [() => stage.send(chief, `DELETE /api/users/${target}`), [204, 404]],
        [() => stage.send(chief, `DELETE /api/users/${target}/sessions`), [204, 404]],
      ];
      const [ask, allowed] = asks[round % asks.length] ?? [reset(stage, chief, target), []];
      const removal = () => stage.send(chief, `DELETE /api/users/${target}`);
      const [answer, removed] = await together(ask, removal);
      return wrongs({
        [`the removal was answered ${removed.status} ${removed.body}`]: ![204, 404].includes(removed.status),
        [`the other request was answered ${answer.status} ${answer.body}`]: !allowed.includes(answer.status),
        'the user is there': (await stage.send(chief, `GET /api/users/${target}`)).status !== 404,
      });
    },
});

/** Runs so many rounds of the race. @returns the faults. */
export async function runRace(service: ModelService, race: Race, rounds: number): Promise<string[]> {
  const stage = await Stage.empty(service);
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    // Codes and tokens that do not work any more would be throttled after many rounds.
    await service.operator.forgetAttempts();
    const found = await race(stage, togetherIn(round % 12), round);
    wrong.push(...found.map((what) => `round ${round}: ${what}`));
  }
  return wrong;
}
