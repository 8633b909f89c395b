/**
 * Every kind of caller: anonymous, users with and without permissions, tokens, and credentials that are not good any more. Random requests
 * end sessions, remove users and take permissions, so all of it is made good again now and then.
 */
import { createHmac } from 'node:crypto';
import { keyOf, makeSecret } from '../../../accounts/secrets.ts';
import type { App } from '../../../app.ts';
import type { Step } from '../../../db/engines/engine.ts';
import { makeId } from '../../../db/ids.ts';
import { newSession } from '../cast.ts';
import { addToken, newToken, possible } from '../optional.ts';
import { PASSWORD } from '../service.ts';
import type { Known } from './known.ts';
import { PERMISSIONS, Reference } from './values.ts';

const HOUR = 60 * 60 * 1000;

/** What the users hold, by a group of their own. */
const ACCOUNTS: Record<string, string[]> = {
  user: [],
  manager: [],
  ...Object.fromEntries(PERMISSIONS.map((permission) => [`holder of ${permission}`, [permission]])),
  administrator: ['*'],
  'disabled user': ['users:write'],
};

interface Caller {
  account: string;
  session?: 'living' | 'stale' | 'ended' | 'forged';
  token?: 'living' | 'ended';
  scopes?: string[];
  /** A cookie or a token that an earlier request was given. */
  given?: 'cookie' | 'secret';
}

const session = (account: string, state: Caller['session'] = 'living'): Caller => ({
  account,
  session: state,
});
const token = (account: string, ...scopes: string[]): Caller => ({ account, token: 'living', scopes });

/** How each caller authenticates. */
export const CALLERS = possible<Caller>({
  ...Object.fromEntries(Object.keys(ACCOUNTS).map((account) => [account, session(account)])),
  anonymous: { account: 'user' },
  'administrator who is not fresh': session('administrator', 'stale'),
  'session that has ended': session('administrator', 'ended'),
  'forged cookie': session('administrator', 'forged'),
  'token of a user': token('user'),
  'token without scopes': token('administrator'),
  ...Object.fromEntries(
    PERMISSIONS.map((scope) => [`token with the scope ${scope}`, token('administrator', scope)]),
  ),
  'token of an administrator': token('administrator', '*'),
  'token of a disabled user': token('disabled user', '*'),
  'token that has ended': { ...token('administrator', '*'), token: 'ended' },
  'session and token': { ...session('user'), ...token('administrator', '*') },
  'cookie of a sign-in': { account: 'user', given: 'cookie' },
  'token that was made': { account: 'user', given: 'secret' },
});

const NO_DETAILS = { name: '', email: null, pendingEmail: null };

interface Account {
  id: string;
  username: string;
}

/** Users and their credentials. */
export class Callers {
  /** How many users and groups were written past the API, and which users were disabled so. */
  readonly made = { users: 0, groups: 0 };
  readonly disabled = new Set<string>();
  readonly #app: App;
  readonly #known: Known;
  readonly #accounts = new Map<string, Account>();
  readonly #headers = new Map<string, Record<string, string>>();

  constructor(app: App, known: Known) {
    this.#app = app;
    this.#known = known;
  }

  headersOf(caller: string): Record<string, string> {
    const { given } = CALLERS[caller] ?? {};
    if (!given) return this.#headers.get(caller) ?? {};
    const secret = this.#known.find(new Reference(given, 0), '', '');
    return given === 'cookie' ? { cookie: secret } : { authorization: `Bearer ${secret}` };
  }

  /** Makes all accounts good again, and gives each caller new credentials. */
  async renew(): Promise<void> {
    const passwordHash = await this.#app.passwords.hash(PASSWORD);
    for (const [name, permissions] of Object.entries(ACCOUNTS))
      await this.#renewAccount(name, permissions, passwordHash);
    const steps = Object.entries(CALLERS).flatMap(([name, caller]) =>
      this.#renewCredentials(name, caller, passwordHash),
    );
    await this.#app.db.atomically(steps);
    const account = this.#accounts.get('disabled user') ?? this.#newAccount('');
    const fields = { ...account, ...NO_DETAILS, version: 1, active: false };
    await this.#app.db.atomically([this.#app.db.users.change(fields, Date.now())]);
    this.disabled.add(account.id);
  }

  async #renewAccount(name: string, permissions: string[], passwordHash: string): Promise<void> {
    const { db } = this.#app;
    const now = Date.now();
    const old = this.#accounts.get(name);
    const row = old && name !== 'disabled user' ? await db.users.find(old.id) : undefined;
    const account = row?.active ? row : this.#newAccount(name);
    const held = await db.permissions.ofUser(account.id);
    const lacks = permissions.some((permission) => !held.includes(permission));
    await db.atomically([
      account === row
        ? db.users.setPassword(account.id, passwordHash, { by: 'operator', userId: null }, now)
        : db.users.add({ ...account, ...NO_DETAILS, active: true, passwordHash }, now),
      ...(lacks || name === 'manager' ? this.#newGroup(account.id, name, permissions) : []),
      ...(name === 'user' ? this.#newCode(account.id) : []),
    ]);
    this.#accounts.set(name, { id: account.id, username: account.username });
    this.#known.add('users', account.id);
    this.#known.add('username', account.username);
  }

  #newAccount(name: string): Account {
    this.made.users++;
    return { id: makeId(), username: `${name.replaceAll(/\W/g, '-')}-${this.made.users}` };
  }

  #newGroup(userId: string, account: string, permissions: string[]): Step[] {
    const { groups, memberships } = this.#app.db;
    const now = Date.now();
    const id = makeId();
    this.made.groups++;
    this.#known.add('groups', id, account);
    const role = account === 'manager' ? 'manager' : 'member';
    return [
      ...groups.add({ id, name: `group-${this.made.groups}`, title: '', permissions }, now),
      memberships.add({ groupId: id, userId, role }, now),
    ];
  }

  #newCode(userId: string): Step[] {
    const code = makeSecret('rcc_');
    const now = Date.now();
    this.#known.add('code', code);
    const issuer = { issuerId: null, issuerTokenId: null };
    return this.#app.db.codes.issue({ key: keyOf(code), userId, ...issuer, expiresAt: now + HOUR }, now);
  }

  #renewCredentials(name: string, caller: Caller, passwordHash: string): Step[] {
    const { db, sessionCookie } = this.#app;
    const now = Date.now();
    const userId = this.#accounts.get(caller.account)?.id ?? '';
    const steps: Step[] = [];
    const headers: Record<string, string> = {};
    if (caller.session) {
      const made = { ...newSession(this.#app, userId, passwordHash), id: makeId() };
      const forged = createHmac('sha256', 'another key').update(made.secret).digest('base64url');
      const value =
        caller.session === 'forged' ? `${made.secret}.${forged}` : sessionCookie.sign(made.secret);
      headers.cookie = `${sessionCookie.name}=${value}`;
      const expiry = { expiresAt: now + HOUR, endsAt: now + 24 * HOUR };
      const begun = { ...made, ...expiry, now: caller.session === 'stale' ? now - HOUR : now };
      if (caller.session !== 'ended') steps.push(db.sessions.add(begun));
      this.#known.add('sessions', made.id, name);
    }
    if (caller.token) {
      const made = { ...newToken(userId, caller.scopes ?? []), id: makeId() };
      headers.authorization = `Bearer ${made.secret}`;
      if (caller.token !== 'ended') steps.push(...addToken(db, made, now, now));
      this.#known.add('tokens', made.id, name);
    }
    this.#headers.set(name, headers);
    return steps;
  }
}
