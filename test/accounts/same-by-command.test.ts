/**
 * A rule is written once, whoever asks: what the operator's command does, the API does, too. Each change is made by the API on
 * one database and by the command on another one that holds the same, and then all that both hold is compared.
 */
import { commandsOn } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { openServing } from '../support/files.ts';
import { hasTokens, isThere } from '../support/optional.ts';
import { Client, PASSWORD, quickHashing, startService } from '../support/service.ts';
import { differences, readTables } from '../support/tables.ts';
import { TwinScene } from '../support/twin-scene.ts';

/** Why some of what they leave is meant to differ. */
const RELIES =
  'the administrator must hold what that user holds, which must stay so meanwhile; the operator holds everything';
const CHECKS_OWNER =
  'the operator relies on what the owner holds, which must stay so meanwhile; of their own rights users are asked in the writing itself';
const NAMES_OWNER =
  'the operator made or ended it for the owner, whom the entry has to name; else the actor is the owner';
const GIVER =
  'of the codes of others, who lets a user into a group leaves only their own ones and those of the operator';

const ISSUES =
  'disabling the issuer removes the codes that they issued, so both write their row; the operator has none';

interface Change {
  name: string;
  /** Names in braces stand for their ids. */
  api: { method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'; url: string; body?: object };
  command: string[];
  input?: string;
  /** Rows that are there before and not after, in both. */
  gone?: string[];
  /** What is meant to differ, and why: exactly this must. */
  differs?: Record<string, string>;
}

const ALL: Change[] = [
  {
    name: 'making a user with a password',
    api: {
      method: 'POST',
      url: '/api/users',
      body: { username: 'New', name: 'Ňew Öne', email: 'New@example.org', password: PASSWORD },
    },
    command: ['user', 'create', 'New', '--name', 'Ňew Öne', '--email', 'New@example.org', '--password-stdin'],
    input: PASSWORD,
  },
  {
    name: 'making a user with a one-time code',
    api: { method: 'POST', url: '/api/users', body: { username: 'new' } },
    command: ['user', 'create', 'new', '--code'],
    differs: { 'users chief rights_version: 1 by the API, 0 by the command': ISSUES },
  },
  {
    name: 'disabling a user',
    api: { method: 'PATCH', url: '/api/users/{dora}', body: { active: false } },
    command: ['user', 'disable', 'dora'],
    gone: ['sessions phone', 'sessions laptop', 'codes for emil', 'codes for fay'],
    differs: {
      'groups tea rights_version: 1 by the API, 0 by the command': RELIES,
      'groups writers rights_version: 1 by the API, 0 by the command': RELIES,
    },
  },
  {
    name: 'enabling a user',
    api: { method: 'PATCH', url: '/api/users/{gus}', body: { active: true } },
    command: ['user', 'enable', 'gus'],
  },
  {
    name: 'giving a user the address that is pending',
    api: { method: 'PATCH', url: '/api/users/{hal}', body: { email: 'hal@example.org' } },
    command: ['user', 'email', 'hal', 'hal@example.org'],
  },
  {
    name: 'giving a user another address than the one that is pending',
    api: { method: 'PATCH', url: '/api/users/{hal}', body: { email: 'Hal@bücher.example' } },
    command: ['user', 'email', 'hal', 'Hal@bücher.example'],
  },
  {
    name: 'taking away the address of a user',
    api: { method: 'PATCH', url: '/api/users/{hal}', body: { email: null } },
    command: ['user', 'email', 'hal', '--none'],
  },
  {
    name: 'deleting a user',
    api: { method: 'DELETE', url: '/api/users/{dora}' },
    command: ['user', 'delete', 'dora'],
    gone: [
      'users dora',
      'sessions phone',
      'sessions laptop',
      ...(hasTokens ? ['tokens robot'] : []),
      'memberships tea dora',
      'memberships writers dora',
      'codes for dora',
      'codes for emil',
      'codes for fay',
    ],
    differs: {
      'groups tea rights_version: 1 by the API, 0 by the command': RELIES,
      'groups writers rights_version: 1 by the API, 0 by the command': RELIES,
    },
  },
  {
    name: 'setting a member of a group that carries permissions',
    api: { method: 'PUT', url: '/api/groups/{writers}/members/{fay}', body: { role: 'member' } },
    command: ['group', 'add', 'writers', 'fay'],
    gone: ['codes for fay'],
  },
  {
    name: 'setting a member who has a code of the administrator',
    api: { method: 'PUT', url: '/api/groups/{writers}/members/{gus}', body: { role: 'member' } },
    command: ['group', 'add', 'writers', 'gus'],
    differs: {
      'codes for gus: only by the API': GIVER,
    },
  },
  {
    name: 'setting a member who has a code of the operator',
    api: { method: 'PUT', url: '/api/groups/{writers}/members/{hal}', body: { role: 'manager' } },
    command: ['group', 'add', 'writers', 'hal', '--manager'],
  },
  {
    name: 'changing the role of a member',
    api: { method: 'PUT', url: '/api/groups/{tea}/members/{emil}', body: { role: 'manager' } },
    command: ['group', 'add', 'tea', 'emil', '--manager'],
  },
  {
    name: 'removing a member',
    api: { method: 'DELETE', url: '/api/groups/{tea}/members/{emil}' },
    command: ['group', 'remove', 'tea', 'emil'],
    gone: ['memberships tea emil'],
  },
  {
    name: 'making a group',
    api: {
      method: 'POST',
      url: '/api/groups',
      body: { name: 'new', title: 'Ňew', permissions: ['users:write', 'audit:read'] },
    },
    command: ['group', 'create', 'new', '--title', 'Ňew', '--permission', 'users:write', 'audit:read'],
  },
  {
    name: 'making a token',
    api: {
      method: 'POST',
      url: '/api/tokens',
      body: { name: 'new', scopes: ['users:write'], expiresIn: 7200 },
    },
    command: ['token', 'create', 'chief', 'new', '--scope', 'users:write', '--expires-in', '7200'],
    differs: {
      'audit new id 1 after.user: absent by the API, "chief" by the command': NAMES_OWNER,
      'groups admins rights_version: 0 by the API, 1 by the command': CHECKS_OWNER,
    },
  },
  {
    name: 'ending a token',
    api: { method: 'DELETE', url: '/api/tokens/{own}' },
    command: ['token', 'end', 'chief', '{own}'],
    gone: ['tokens own'],
    differs: {
      'audit new id 1 before: nothing by the API, absent by the command': NAMES_OWNER,
      'audit new id 1 before.user: absent by the API, "chief" by the command': NAMES_OWNER,
      'audit new id 1 before.name: absent by the API, "own" by the command': NAMES_OWNER,
    },
  },
  {
    name: 'ending one session',
    api: { method: 'DELETE', url: '/api/sessions/{tablet}' },
    command: ['session', 'end', 'chief', '{tablet}'],
    gone: ['sessions tablet'],
  },
  {
    name: 'ending all sessions of a user',
    api: { method: 'DELETE', url: '/api/users/{dora}/sessions' },
    command: ['session', 'end', 'dora'],
    gone: ['sessions phone', 'sessions laptop'],
    differs: {
      'groups tea rights_version: 1 by the API, 0 by the command': RELIES,
      'groups writers rights_version: 1 by the API, 0 by the command': RELIES,
    },
  },
  {
    name: 'issuing a code',
    api: { method: 'POST', url: '/api/users/{dora}/reset' },
    command: ['user', 'code', 'dora'],
    gone: ['codes for dora'],
    differs: {
      'groups tea rights_version: 1 by the API, 0 by the command': RELIES,
      'groups writers rights_version: 1 by the API, 0 by the command': RELIES,
      'users chief rights_version: 1 by the API, 0 by the command': ISSUES,
    },
  },
];
const CHANGES = ALL.filter(({ api }) => isThere(api.url));

onEachEngine('the API and the commands', async (t, engine) => {
  const urls = { api: await engine.makeDatabase(t), command: await engine.makeDatabase(t) };
  const sides = { api: await openServing(t, urls.api), command: await openServing(t, urls.command) };
  const { app } = await startService(t, engine, { hashing: quickHashing, databaseUrl: urls.api });
  const run = commandsOn(urls.command);

  for (const { name, api, command, input, gone = [], differs = {} } of CHANGES) {
    await t.test(`${name} leaves the same, by the API and by the command`, async (t) => {
      const scene = new TwinScene(app.sessionCookie.makeSecret());
      for (const side of Object.values(sides)) await scene.fillDatabase(side);
      const before = await readTables(sides.api.engine, scene);
      t.same(differences(before, await readTables(sides.command.engine, scene)), [], 'the same before');

      const client = new Client(app);
      client.cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(scene.secret)}`;
      const [answer, result] = await Promise.all([
        client.request(api.method, scene.fill(api.url), api.body),
        run(command.map(scene.fill), input),
      ]);
      t.ok(answer.statusCode < 300, answer.payload);
      t.equal(result.code, 0, result.stderr);

      const after = await readTables(sides.api.engine, scene);
      const left = differences(after, await readTables(sides.command.engine, scene));
      t.same(left, Object.keys(differs), 'what differs');
      t.ok(after.has('audit new id 1'), 'the change is in the audit trail');
      const went = [...before.keys()].filter((row) => !after.has(row));
      t.same(went.sort(), gone.toSorted(), 'what is gone');
    });
  }
});
