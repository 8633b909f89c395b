/**
 * Fills two databases with the same rows, ids and keys, so that their content can be compared after the same change in each.
 */
import { randomUUIDv7 } from 'node:crypto';
import { keyOf } from '../../accounts/secrets.ts';
import type { Database } from '../../db/database.ts';
import type { Engine } from '../../db/engines/engine.ts';
import { addToken } from './optional.ts';
import type { Known } from './tables.ts';

const HOUR = 60 * 60_000;
const PASSWORD_HASH = 'a hash';

/** The rows of both databases: an administrator, a user with every kind of dependent row, and others. */
export class TwinScene implements Known {
  readonly began = Date.now();
  readonly names = new Map<string, string>();
  readonly actorId: string;
  /** The secret in the cookie of the administrator's session. */
  readonly secret: string;
  readonly #ids = new Map<string, string>();
  constructor(secret: string) {
    this.secret = secret;
    this.names.set(keyOf(secret), 'key of acting').set(PASSWORD_HASH, 'the hash');
    this.actorId = this.#id('chief');
  }

  /** @returns the text with `{name}` replaced by ids. */
  fill = (text: string) => text.replace(/\{(\w+)\}/g, (_all, name: string) => this.#id(name));

  #id(name: string): string {
    const id = this.#ids.get(name) ?? randomUUIDv7();
    this.#ids.set(name, id);
    this.names.set(id, name);
    return id;
  }

  #key(name: string): string {
    this.names.set(keyOf(name), name);
    return keyOf(name);
  }

  /** Empties the database and adds all rows. */
  async fillDatabase({ db, engine }: { db: Database; engine: Engine }): Promise<void> {
    const { guards, ...tables } = engine.tables;
    const before = this.began - HOUR;
    const passwordHash = PASSWORD_HASH;
    const user = (username: string, active = true) =>
      db.users.add(
        {
          ...{ id: this.#id(username), username, name: '', active, passwordHash },
          ...{ email: null, pendingEmail: `${username}@example.org` },
        },
        before,
      );
    const group = (name: string, permissions: string[]) =>
      db.groups.add({ id: this.#id(name), name, title: '', permissions }, before);
    const member = (group: string, user: string, role: 'member' | 'manager' = 'member') =>
      db.memberships.add({ groupId: this.#id(group), userId: this.#id(user), role }, before);
    const session = (name: string, user: string, key = this.#key(`key of ${name}`)) => {
      const [id, userId, endsAt] = [this.#id(name), this.#id(user), this.began + HOUR];
      const times = { now: this.began, expiresAt: endsAt, endsAt };
      const from = { address: '192.0.2.1', userAgent: 'test', remembered: false };
      return db.sessions.add({ key, id, userId, ...times, ...from });
    };
    const token = (name: string, user: string) => {
      const [key, id, userId] = [this.#key(`key of ${name}`), this.#id(name), this.#id(user)];
      return addToken(db, { key, id, userId, name, scopes: ['users:write'], expiresAt: null }, before);
    };
    const code = (user: string, issuer: string | null, token: string | null = null) => {
      const issuerId = issuer && this.#id(issuer);
      const issuerTokenId = token && this.#id(token);
      const made = { key: this.#key(`for ${user}`), userId: this.#id(user), issuerId, issuerTokenId };
      return db.codes.issue({ ...made, expiresAt: this.began + 2 * HOUR }, before);
    };
    await db.atomically([
      ...Object.values(tables).map((table) => engine.write(engine.build.delete(table), 'any')({})),
      engine.write(engine.build.update(guards).set({ version: 0, held: false }), 'any')({}),
      ...['chief', 'dora', 'emil', 'fay', 'hal'].map((name) => user(name)),
      user('gus', false),
      ...group('admins', ['*']),
      ...group('writers', ['users:write']),
      ...group('tea', []),
      member('admins', 'chief', 'manager'),
      member('writers', 'dora'),
      member('tea', 'dora', 'manager'),
      member('tea', 'emil'),
      session('acting', 'chief', keyOf(this.secret)),
      session('tablet', 'chief'),
      session('phone', 'dora'),
      session('laptop', 'dora'),
      ...token('own', 'chief'),
      ...token('robot', 'dora'),
      ...code('dora', 'chief'),
      ...code('emil', 'dora'),
      ...code('fay', 'dora', 'robot'),
      ...code('gus', 'chief'),
      ...code('hal', null),
    ]);
  }
}
