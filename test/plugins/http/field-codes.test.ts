/** Programs tell wrong fields apart by their codes (schemas/problems.ts), and each can be provoked. */
import type { FIELD_CODES } from '../../../schemas/problems.ts';
import { breachedFile } from '../../support/breached.ts';
import { onEachEngine } from '../../support/engines.ts';
import { type Provoke, signInWithBreached, startProblems } from '../../support/problems.ts';
import { PASSWORD, quickHashing, startService } from '../../support/service.ts';

onEachEngine('Every code of a field can be provoked', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const { chief, ann, admin, client } = await startProblems(t, app);
  const group = (body: object) => admin.request('POST', '/api/groups', { name: 'new', ...body });
  const user = (body: object) => admin.request('POST', '/api/users', { username: 'new', ...body });
  const change = { current: 'wrong', password: PASSWORD };

  const provoke: Record<keyof typeof FIELD_CODES, { pointer: string; detail?: string; send: Provoke }> = {
    unknown: { pointer: '/extra', detail: 'is not a field of this', send: () => user({ extra: 1 }) },
    missing: {
      pointer: '/name',
      detail: 'is missing',
      send: () => admin.request('POST', '/api/groups', {}),
    },
    type: { pointer: '/active', detail: 'must be true or false', send: () => user({ active: 'true' }) },
    format: { pointer: '/email', detail: 'must be an e-mail address', send: () => user({ email: 'nomail' }) },
    choice: {
      pointer: '/role',
      detail: 'must be one of member, manager',
      send: async () => {
        const { id } = (await group({ name: 'choice' })).json();
        return admin.request('PUT', `/api/groups/${id}/members/${ann}`, { role: 'chief' });
      },
    },
    'too-short': {
      pointer: '/password',
      detail: 'must be at least 8 characters long',
      send: () => user({ password: 'short' }),
    },
    'too-long': {
      pointer: '/username',
      detail: 'must be at most 64 characters long',
      send: () => user({ username: 'x'.repeat(65) }),
    },
    'too-small': {
      pointer: '/limit',
      detail: 'must be at least 1',
      send: () => admin.request('GET', '/api/users?limit=0'),
    },
    'too-large': {
      pointer: '/limit',
      detail: 'must be at most 100',
      send: () => admin.request('GET', '/api/users?limit=101'),
    },
    'too-few': {
      pointer: '',
      detail: 'must have at least one field',
      send: () => admin.request('PATCH', `/api/users/${ann}`, {}),
    },
    'too-many': {
      pointer: '/permissions',
      detail: 'must have at most 100 entries',
      send: () => group({ permissions: Array.from({ length: 101 }, (_, n) => `a:${'b'.repeat(n % 50)}c`) }),
    },
    repeated: {
      pointer: '/limit',
      detail: 'must be given only once',
      send: () => admin.request('GET', '/api/users?limit=1&limit=1'),
    },
    taken: { pointer: '/username', detail: 'is taken', send: () => user({ username: 'ANN' }) },
    wrong: { pointer: '/current', send: () => admin.request('PUT', `/api/users/${chief}/password`, change) },
    forbidden: {
      pointer: '/active',
      detail: 'asks for users:write',
      send: () => client.request('PATCH', `/api/users/${ann}`, { active: false }),
    },
    common: {
      pointer: '/password',
      detail: 'must not be a common password, or one that this service refuses',
      send: () => user({ password: 'Password123' }),
    },
    'contains-name': {
      pointer: '/password',
      detail: 'must not contain the name of this service',
      send: () => user({ password: 'our RollCall' }),
    },
    breached: {
      pointer: '/password',
      detail: 'must not be one that is known from breaches',
      send: async () => {
        const chief = await signInWithBreached(t, engine, breachedFile(t, [PASSWORD]));
        return chief.request('POST', '/api/users', { username: 'new', password: PASSWORD });
      },
    },
  };
  for (const [code, { pointer, detail = /./, send }] of Object.entries(provoke)) {
    await t.test(`The field ${pointer} is told with the code ${code}`, async (t) => {
      t.match(JSON.parse((await send()).payload), { errors: [{ pointer, code, detail }] });
    });
  }
});
