/**
 * The database under the model's test: what is really in it, to be compared with the model, and what the test does to it by itself,
 * as the operator or the passing of time would.
 */
import { hash, randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { codeWorks, type Role, type World } from './model.ts';

const HOUR = 60 * 60 * 1000;
const digest = (secret: string) => hash('sha256', secret, 'base64url');
/** @returns what the database knows the cookie's session by. */
const sessionKey = (cookie: string) => digest(cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf('.')));
const inOrder = <Row>(rows: Row[]) =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

export type Operator = Awaited<ReturnType<typeof openOperator>>;

/** @returns what works on the database itself. It is closed when the test ends. */
export async function openOperator(t: Test, databaseUrl: string) {
  const environment = { DATABASE_URL: databaseUrl };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
  t.teardown(() => engine.close());
  const db = prepareQueries(engine);
  const { build, tables } = engine;
  const { groups, groupPermissions, memberships, sessions, tokens, users } = tables;
  const { id, username, name, email, active, passwordHash } = users;
  const { groupId, permission } = groupPermissions;
  const { userId, role } = memberships;
  const read = {
    users: engine.read(build.select({ id, username, name, email, active, passwordHash }).from(users)),
    groups: engine.read(build.select({ id: groups.id, name: groups.name }).from(groups)),
    permissions: engine.read(build.select({ groupId, permission }).from(groupPermissions)),
    members: engine.read(build.select({ groupId: memberships.groupId, userId, role }).from(memberships)),
    sessions: engine.read(
      build
        .select({ id: sessions.id, userId: sessions.userId, confirmedAt: sessions.confirmedAt })
        .from(sessions),
    ),
    tokens: engine.read(
      build.select({ id: tokens.id, userId: tokens.userId, scopes: tokens.scopes }).from(tokens),
    ),
    codes: engine.read(build.select({ key: tables.codes.key }).from(tables.codes)),
  };
  const forgetAttempts = engine.write(build.delete(tables.attempts), 'any');
  const removeGroups = engine.write(build.delete(groups), 'any');
  const removeUsers = engine.write(build.delete(users), 'any');

  return {
    db,

    /** @returns all that the model knows, as it is in the database. */
    async state() {
      const all = await Promise.all([read.users(), read.groups(), read.permissions(), read.members()]);
      const [userRows, groupRows, permissionRows, memberRows] = all;
      const [sessionRows, tokenRows, codeRows] = await Promise.all([
        read.sessions(),
        read.tokens(),
        read.codes(),
      ]);
      const now = Date.now();
      return {
        users: inOrder(
          userRows.map(({ passwordHash, ...user }) => ({ ...user, hasPassword: passwordHash !== null })),
        ),
        groups: inOrder(
          groupRows.map((group) => ({
            ...group,
            permissions: permissionRows
              .flatMap((row) => (row.groupId === group.id ? [row.permission] : []))
              .sort(),
            members: inOrder(
              memberRows.flatMap((row) => (row.groupId === group.id ? [[row.userId, row.role]] : [])),
            ),
          })),
        ),
        sessions: inOrder(
          sessionRows.map(({ id, userId, confirmedAt }) => ({
            id,
            userId,
            fresh: now - confirmedAt < HOUR / 4,
          })),
        ),
        tokens: inOrder(tokenRows.map((token) => ({ ...token, scopes: token.scopes.toSorted() }))),
        codes: codeRows.map(({ key }) => key).sort(),
      };
    },

    /** Lets the session's password have been given an hour ago, or just now. */
    async setFreshness(cookie: string, fresh: boolean): Promise<void> {
      await db.atomically([db.sessions.confirm(sessionKey(cookie), Date.now() - (fresh ? 0 : HOUR))]);
    },
    async forgetAttempts(): Promise<void> {
      await db.atomically([forgetAttempts({})]);
    },
    /** Leaves neither users nor groups. */
    async empty(): Promise<void> {
      await db.atomically([removeGroups({}), removeUsers({})]);
    },
    async removeGroups(): Promise<void> {
      await db.atomically([removeGroups({})]);
    },
    /** @returns the new user's id. */
    async makeUser(username: string, passwordHash: string | null): Promise<string> {
      const id = randomUUIDv7();
      const user = { id, username, name: '', email: null, active: true, passwordHash };
      await db.atomically([db.users.add(user, Date.now())]);
      return id;
    },
    /** @returns the new group's id. */
    async makeGroup(
      name: string,
      permissions: string[],
      members: Iterable<[string, Role]> = [],
    ): Promise<string> {
      const [id, now] = [randomUUIDv7(), Date.now()];
      await db.atomically([
        ...db.groups.add({ id, name, title: '', permissions }, now),
        ...[...members].map(([userId, role]) => db.memberships.add({ groupId: id, userId, role }, now)),
      ]);
      return id;
    },
    async join(groupId: string, userId: string, role: Role): Promise<void> {
      await db.atomically([db.memberships.add({ groupId, userId, role }, Date.now())]);
    },
    async leave(groupId: string, userId: string, role: Role): Promise<void> {
      await db.atomically([db.memberships.remove(groupId, userId, role)]);
    },
    /** Issues that code to the user, as the operator. */
    async issueCode(code: string, userId: string): Promise<void> {
      const now = Date.now();
      const row = { key: digest(code), userId, issuerId: null, issuerTokenId: null, expiresAt: now + HOUR };
      await db.atomically(db.codes.issue(row, now));
    },
  };
}

/**
 * @param found the codes that are in the database: one that does not work may be there or not.
 * @returns the same of the model.
 */
export function stateOf(world: World, found: string[]) {
  const codes = [...world.codes.keys()].filter(
    (code) => codeWorks(world, code) || found.includes(digest(code)),
  );
  return {
    users: inOrder(
      [...world.users.values()].map(({ password, ...user }) => ({ ...user, hasPassword: password !== null })),
    ),
    groups: inOrder(
      [...world.groups.values()].map(({ permissions, members, ...group }) => ({
        ...group,
        permissions: permissions.toSorted(),
        members: inOrder([...members]),
      })),
    ),
    sessions: inOrder([...world.sessions.values()]),
    tokens: inOrder(
      [...world.tokens.values()].map((token) => ({ ...token, scopes: token.scopes.toSorted() })),
    ),
    codes: codes.map(digest).sort(),
  };
}
