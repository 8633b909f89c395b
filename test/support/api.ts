/** A client of a service that runs as a process. It talks over HTTP and keeps its cookie as a browser does. */
import { randomUUIDv7 } from 'node:crypto';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';

export const PASSWORD = 'correct horse battery staple';

let passwordHash: Promise<string> | undefined;

/** @returns the hash of PASSWORD, which is made once: that takes longer than to add a user. */
async function hashOfPassword(): Promise<string> {
  const hashing = await makeHashing();
  const hash = await hashing.hash(PASSWORD);
  await hashing.end();
  return hash;
}

/** Migrates the database and adds administrators. @returns their ids and names. */
export async function makeDatabaseWith(url: string, ...usernames: string[]) {
  const environment = { DATABASE_URL: url };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }), { create: true });
  await ensureSchema(engine, true);
  const db = prepareQueries(engine);
  const now = Date.now();
  passwordHash ??= hashOfPassword();
  const hash = await passwordHash;
  const found = await db.groups.findByName('admins');
  const groupId = found?.id ?? randomUUIDv7();
  const users = usernames.map((username) => ({ id: randomUUIDv7(), username }));
  await db.atomically([
    ...(found ? [] : db.groups.add({ id: groupId, name: 'admins', title: '', permissions: ['*'] }, now)),
    ...users.flatMap((user) => [
      db.users.add({ ...user, name: '', email: null, active: true, passwordHash: hash }, now),
      db.memberships.add({ groupId, userId: user.id, role: 'manager' }, now),
    ]),
  ]);
  await engine.close();
  return users;
}

export class Caller {
  cookie = '';
  /** The Authorization header, if not empty. */
  authorization = '';

  /** Sends each request on a new connection, so that any worker may serve it. */
  async request(
    url: string,
    path: string,
    options: { method?: string; body?: object } = {},
  ): Promise<Response> {
    const { method = 'GET', body } = options;
    const headers: Record<string, string> = { connection: 'close' };
    if (this.cookie) headers.cookie = this.cookie;
    if (this.authorization) headers.authorization = this.authorization;
    if (body) headers['content-type'] = 'application/json';
    const response = await fetch(new URL(path, url), {
      method,
      headers,
      signal: AbortSignal.timeout(20_000),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const [cookie = ''] = response.headers.getSetCookie().map((each) => each.split(';')[0] ?? '');
    if (cookie) this.cookie = cookie.endsWith('=') ? '' : cookie;
    return response;
  }

  /** @returns the status of the answer. */
  async status(url: string, path: string, options: { method?: string; body?: object } = {}): Promise<number> {
    const response = await this.request(url, path, options);
    await response.body?.cancel();
    return response.status;
  }

  signIn(url: string, username: string, password = PASSWORD): Promise<number> {
    return this.status(url, '/api/sign/in', { method: 'POST', body: { username, password } });
  }
}
