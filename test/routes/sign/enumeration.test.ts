/** What a one-time code that does not work was is not for its sender to know. signing-in.test.ts has the same of passwords. */
import type { App } from '../../../app.ts';
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { sendFrom } from '../../support/guessing.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';

let users = 0;

/** Issues a code for a new user. @returns both, the user who issued it, and a client of an administrator. */
async function issue(app: App) {
  const number = users++;
  const chief = await signedIn(app, 'chief');
  const id = await makeUser(app, `user-${number}`);
  const issuer = await makeUser(app, `clerk-${number}`, { admin: true });
  const clerk = await signedIn(app, `clerk-${number}`);
  const { code }: { code: string } = (await clerk.request('POST', `/api/users/${id}/reset`)).json();
  return { chief, id, issuer, code };
}

const use = (app: App, code: string, password = 'a password that is new') =>
  sendFrom(app, `192.0.2.${users}`, '/api/sign/reset', { code, password });

onEachEngine('A code that does not work gets the same answer, whatever the reason is', async (t, engine) => {
  const settings = { TRUST_PROXY: true };
  const { app } = await startService(t, engine, { hashing: quickHashing, settings });
  await makeUser(app, 'chief', { admin: true });
  const advance = stopTheClock(t);
  const disable = (chief: Client, id: string) =>
    chief.request('PATCH', `/api/users/${id}`, { active: false });
  const codes: Record<string, () => Promise<string>> = {
    'it is no code': async () => 'x',
    'it is mistyped': async () => {
      const { code } = await issue(app);
      return `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`;
    },
    'it was used': async () => {
      const { code } = await issue(app);
      t.equal((await use(app, code)).statusCode, 204);
      return code;
    },
    'its user was disabled': async () => {
      const { chief, id, code } = await issue(app);
      t.equal((await disable(chief, id)).statusCode, 200);
      return code;
    },
    'its issuer was disabled': async () => {
      const { chief, issuer, code } = await issue(app);
      t.equal((await disable(chief, issuer)).statusCode, 200);
      return code;
    },
    'its issuer has lost the permission': async () => {
      const { chief, issuer, code } = await issue(app);
      const { items } = (await chief.request('GET', `/api/users/${issuer}/groups`)).json();
      const path = `/api/groups/${items[0].group.id}/members/${issuer}`;
      t.equal((await chief.request('DELETE', path)).statusCode, 204);
      return code;
    },
    'its user was removed': async () => {
      const { chief, id, code } = await issue(app);
      t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204);
      return code;
    },
    'it has expired': async () => {
      const { code } = await issue(app);
      advance(60 * 60);
      return code;
    },
  };
  const expected = {
    type: 'urn:rollcall:problem:invalid-code',
    title: 'Bad Request',
    status: 400,
    detail: 'The code is mistyped, used or expired. An administrator can issue another one.',
    errors: [{ in: 'body', pointer: '/code', code: 'wrong', detail: 'is mistyped, used or expired' }],
  };
  for (const [reason, make] of Object.entries(codes)) {
    const code = await make();
    for (const password of [undefined, 'rollcall, which is weak']) {
      const response = await use(app, code, password);
      t.equal(response.statusCode, 400, reason);
      const { requestId, ...body } = response.json();
      t.ok(requestId);
      t.strictSame(body, expected, `${reason}, with ${password ?? 'a good password'}`);
    }
  }

  const { chief, id, code } = await issue(app);
  await disable(chief, id);
  t.equal((await use(app, code)).statusCode, 400);
  t.equal((await chief.request('PATCH', `/api/users/${id}`, { active: true })).statusCode, 200);
  t.equal((await use(app, code)).statusCode, 204, 'it works again when the user is enabled');
  t.equal((await new Client(app).signIn(`user-${users - 1}`, PASSWORD)).statusCode, 401);
});
