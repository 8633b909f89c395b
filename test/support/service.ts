/** Starts the service in the process of the test, makes users, and sends requests as clients that keep their cookie. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import { HASH_PREFIX } from '../../accounts/passwords/hashing.ts';
import { type App, type AppOptions, createApp } from '../../app.ts';
import { loadSettings, type Settings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeId } from '../../db/ids.ts';
import type { TestEngine } from './engines.ts';
import { makeMigratedDatabase } from './migrated.ts';

export const PASSWORD = 'correct horse battery staple';

/** Replaces password hashing in tests, where it would take most of the time. Its results fit into the hash column. */
export const quickHashing = {
  hash: async (password: string) => `${HASH_PREFIX}${password}`,
  verify: async (hashed: string | null | undefined, password: string) =>
    hashed === `${HASH_PREFIX}${password}`,
};

export interface ServiceOptions extends Partial<Pick<AppOptions, 'hashing' | 'log'>> {
  settings?: Partial<Settings>;
  /** The database of another instance, if both share one. */
  databaseUrl?: string;
}

/** @returns the app, closed when the test ends. */
export async function startService(t: Test, engine: TestEngine, options: ServiceOptions = {}) {
  const { settings: overrides, databaseUrl, ...parts } = options;
  const url = databaseUrl ?? (await makeMigratedDatabase(t, engine));
  const loaded = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } });
  const settings: Settings = {
    ...loaded,
    LOG_LEVEL: 'silent',
    AUTO_MIGRATE: true,
    // The documentation has its own test, and building it would slow down each app.
    DOCS: false,
    SECRET_KEY: [makeSecret()],
    ...overrides,
  };
  const app = await createApp({ settings, ...parts });
  t.teardown(() => app.close());
  return { app, settings };
}

/** Adds a user directly to the database. @returns the id of the user. */
export async function makeUser(
  app: App,
  username: string,
  { admin = false, active = true, password = PASSWORD } = {},
) {
  const id = makeId();
  const now = Date.now();
  const passwordHash = await app.passwords.hash(password);
  const user = { id, username, name: '', email: `${username}@example.org`, active, passwordHash };
  await app.db.atomically([app.db.users.add(user, now)]);
  if (admin) {
    const found = await app.db.groups.findByName('admins');
    const groupId = found?.id ?? makeId();
    const group = { id: groupId, name: 'admins', title: '', permissions: ['*'] };
    await app.db.atomically([
      ...(found ? [] : app.db.groups.add(group, now)),
      app.db.memberships.add({ groupId, userId: id, role: 'manager' }, now),
    ]);
  }
  return id;
}

/** A client of the API that keeps its cookie. */
export class Client {
  cookie: string | undefined;
  readonly #app: App;
  constructor(app: App) {
    this.#app = app;
  }

  async request(
    method: NonNullable<InjectOptions['method']>,
    url: string,
    payload?: InjectOptions['payload'],
    headers: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> {
    const cookie = this.cookie ? { cookie: this.cookie } : {};
    const options: InjectOptions = { method, url, headers: { ...cookie, ...headers } };
    if (payload !== undefined) options.payload = payload;
    const response = await this.#app.inject(options);
    const [set] = response.cookies;
    if (set) this.cookie = set.value === '' ? undefined : `${set.name}=${set.value}`;
    return response;
  }

  signIn(username: string, password = PASSWORD, more: object = {}): Promise<LightMyRequestResponse> {
    return this.request('POST', '/api/sign/in', { username, password, ...more });
  }
}

/** @returns a client that is signed in as that user. */
export async function signedIn(app: App, username: string): Promise<Client> {
  const client = new Client(app);
  const response = await client.signIn(username);
  if (response.statusCode !== 200) throw new Error(`sign-in of ${username} failed: ${response.payload}`);
  return client;
}

/** Makes a user who is signed in. @returns their id, and two clients that share the session, as two tabs of a browser do. */
export async function makeUserInTwoTabs(app: App, username: string) {
  const id = await makeUser(app, username);
  const tab = await signedIn(app, username);
  const otherTab = new Client(app);
  otherTab.cookie = tab.cookie;
  return { id, tab, otherTab };
}

/** Makes an API token for the user of the client. @returns its id, its secret, and the headers that send it. */
export async function makeToken(client: Client, more: { scopes?: string[]; expiresIn?: number } = {}) {
  const response = await client.request('POST', '/api/tokens', { name: 'test', ...more });
  if (response.statusCode !== 201) throw new Error(`no token was made: ${response.payload}`);
  const { id, secret }: { id: string; secret: string } = response.json();
  return { id, secret, headers: { authorization: `Bearer ${secret}` } };
}

/** @returns the status of GET /api/sign: 200 for a signed-in client, else 401. */
export async function whoamiStatus(client: Client, headers: Record<string, string> = {}): Promise<number> {
  return (await client.request('GET', '/api/sign', undefined, headers)).statusCode;
}
