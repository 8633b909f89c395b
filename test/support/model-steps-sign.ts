/** Random steps about sign-in, sign-out, sessions, tokens and changing one's own password. See model-steps.ts. */
import { whoIs } from './model.ts';
import * as sign from './model-sign.ts';
import { ANONYMOUS, type Maker, step } from './model-steps.ts';
import * as users from './model-users.ts';
import { hasTokens } from './optional.ts';

/** No more sessions or tokens are made beyond these numbers. */
const MOST_SESSIONS = 14;
const MOST_TOKENS = 14;

function readIds(text: string): string[] {
  const { items }: { items: { id: string }[] } = JSON.parse(text);
  return items.map(({ id }) => id).sort();
}

const signIn: Maker = (scene, caller) => {
  const { random, world } = scene;
  if (world.sessions.size >= MOST_SESSIONS) return signOut(scene, caller);
  const user = world.users.get(scene.key('users'));
  const address = random.chance(0.3) ? (user?.email ?? user?.pendingEmail) : undefined;
  const name = address ?? user?.username ?? 'stranger';
  const body = { username: name, password: scene.passwordOf(user?.id) };
  const read = (text: string) => {
    const { user }: { user: { id: string } } = JSON.parse(text);
    return user.id;
  };
  return step(ANONYMOUS, 'POST /api/sign/in', sign.signIn(world, name, body.password), { body, read });
};

const signOut: Maker = ({ world }, caller) => step(caller, 'POST /api/sign/out', sign.signOut(world, caller));

const confirm: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const body = { password: scene.passwordOf(whoIs(scene.world, caller)?.user.id) };
  const verdict = sign.confirm(scene.world, caller, body.password);
  return step(caller, 'POST /api/sign/confirm', verdict, { body });
};

const changePassword: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const own = whoIs(scene.world, caller)?.user.id;
  const id = (scene.random.chance(0.9) ? own : undefined) ?? scene.key('users');
  const body = { current: scene.passwordOf(own), password: scene.newPassword() };
  const verdict = sign.changePassword(scene.world, caller, id, body);
  return step(caller, `PUT /api/users/${id}/password`, verdict, { body });
};

const endSession: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const id = scene.credentialId('sessions', whoIs(scene.world, caller)?.user.id);
  return step(caller, `DELETE /api/sessions/${id}`, sign.endSession(scene.world, caller, id));
};

const endOtherSessions: Maker = (scene) => {
  const caller = scene.sessionCaller();
  return step(caller, 'DELETE /api/sessions', sign.endOtherSessions(scene.world, caller));
};

const listSessions: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const verdict = sign.listSessions(scene.world, caller);
  return step(caller, 'GET /api/sessions?limit=100', verdict, { read: readIds });
};

const listSessionsOf: Maker = (scene, caller) => {
  const id = scene.key('users');
  const verdict = sign.listSessionsOf(scene.world, caller, id);
  return step(caller, `GET /api/users/${id}/sessions?limit=100`, verdict, { read: readIds });
};

const endSessionsOf: Maker = (scene, caller) => {
  const id = scene.key('users');
  return step(caller, `DELETE /api/users/${id}/sessions`, sign.endSessionsOf(scene.world, caller, id));
};

const createToken: Maker = (scene) => {
  const { random, world } = scene;
  if (world.tokens.size >= MOST_TOKENS) return endToken(scene, ANONYMOUS);
  const caller = scene.sessionCaller();
  const held = whoIs(world, caller)?.held ?? [];
  const wanted = random.chance(0.85) ? [...held, ...(held.includes('*') ? scene.permissions() : [])] : ['*'];
  const scopes = random.chance(0.25) ? undefined : [...new Set(random.some(wanted, 0.7))];
  const body = { name: 'test', ...(scopes ? { scopes } : {}) };
  return step(caller, 'POST /api/tokens', sign.createToken(world, caller, scopes), { body });
};

const endToken: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const id = scene.credentialId('tokens', whoIs(scene.world, caller)?.user.id);
  return step(caller, `DELETE /api/tokens/${id}`, sign.endToken(scene.world, caller, id));
};

const listTokens: Maker = (scene) => {
  const caller = scene.sessionCaller();
  const verdict = sign.listTokens(scene.world, caller);
  return step(caller, 'GET /api/tokens?limit=100', verdict, { read: readIds });
};

const whoami: Maker = ({ world }, caller) => {
  const read = (text: string) => {
    const body: { user: { id: string }; via: string; fresh: boolean; permissions: string[] } =
      JSON.parse(text);
    const { user, via, fresh, permissions } = body;
    return { id: user.id, via, fresh, permissions: users.concise(permissions) };
  };
  return step(caller, 'GET /api/sign', users.whoami(world, caller), { read });
};

const check: Maker = (scene, caller) => {
  const permission = scene.random.chance(0.6) ? scene.permission() : null;
  const group = scene.random.chance(0.4) ? scene.groupName() : null;
  const query = new URLSearchParams({ ...(permission ? { permission } : {}), ...(group ? { group } : {}) });
  const verdict = users.check(scene.world, caller, group, permission);
  return step(caller, `GET /api/sign/check?${query}`, verdict);
};

const TOKEN_STEPS: readonly (readonly [number, Maker])[] = hasTokens
  ? [
      [5, createToken],
      [1, endToken],
      [1, listTokens],
    ]
  : [];

/** The steps, each with its weight. */
export const SIGN_STEPS: readonly (readonly [number, Maker])[] = [
  [12, signIn],
  [2, signOut],
  [3, confirm],
  [3, changePassword],
  [1, endSession],
  [0.5, endOtherSessions],
  [1, listSessions],
  [1, listSessionsOf],
  [1, endSessionsOf],
  ...TOKEN_STEPS,
  [3, whoami],
  [3, check],
];
