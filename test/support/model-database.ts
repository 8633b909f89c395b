/**
 * Direct access to the database for the test of the model. It reads the state to compare with the model, and makes the changes
 * that an operator or the passing of time would make.
 */
import { hash, randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { codeWorks, type Role, type World } from './model.ts';
import { readTokens } from './optional.ts';

const HOUR = 60 * 60 * 1000;
const digest = (secret: string) => hash('sha256', secret, 'base64url');
/** @returns the key of the cookie's session in the database. */
const sessionKey = (cookie: string) => digest(cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf('.')));
const inOrder = <Row>(rows: Row[]) =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

export type Operator = Awaited<ReturnType<typeof openOperator>>;

/** Opens the database; it is closed when the test ends. @returns functions that read and change it. */
export async function openOperator(t: Test, databaseUrl: string) {
  const environment = { DATABASE_URL: databaseUrl };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
  t.teardown(() => engine.close());
  const db = prepareQueries(engine);
  const { build, tables } = engine;
  const { groups, groupPermissions, memberships, sessions, users } = tables;
  const { id, username, name, email, pendingEmail, active, passwordHash } = users;
  const { groupId, permission } = groupPermissions;
  const { userId, role } = memberships;
  const read = {
    users: engine.read(
      build.select({ id, username, name, email, pendingEmail, active, passwordHash }).from(users),
    ),
    groups: engine.read(build.select({ id: groups.id, name: groups.name }).from(groups)),
    permissions: engine.read(build.select({ groupId, permission }).from(groupPermissions)),
    members: engine.read(build.select({ groupId: memberships.groupId, userId, role }).from(memberships)),
    sessions: engine.read(
      build
        .select({ id: sessions.id, userId: sessions.userId, confirmedAt: sessions.confirmedAt })
        .from(sessions),
    ),
    codes: engine.read(build.select({ key: tables.codes.key }).from(tables.codes)),
  };
  const forgetAttempts = engine.write(build.delete(tables.attempts), 'any');
  const removeGroups = engine.write(build.delete(groups), 'any');
  const removeUsers = engine.write(build.delete(users), 'any');

  return {
    db,

    /** @returns the state of the database, as far as the model has it. */
    async state() {
      const all = await Promise.all([read.users(), read.groups(), read.permissions(), read.members()]);
      const [userRows, groupRows, permissionRows, memberRows] = all;
      const [sessionRows, tokenRows, codeRows] = await Promise.all([
        read.sessions(),
        readTokens(engine),
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

    /** Makes the session fresh, or stale by setting its last confirmation to an hour ago. */
    async setFreshness(cookie: string, fresh: boolean): Promise<void> {
      const key = sessionKey(cookie);
      await db.atomically([db.sessions.renew(key, key, Date.now() - (fresh ? 0 : HOUR))]);
    },
    async forgetAttempts(): Promise<void> {
      await db.atomically([forgetAttempts({})]);
    },
    /** Deletes all users and groups. */
    async empty(): Promise<void> {
      await db.atomically([removeGroups({}), removeUsers({})]);
    },
    async removeGroups(): Promise<void> {
      await db.atomically([removeGroups({})]);
    },
    /** Adds a user. @returns the id of the user. */
    async makeUser(username: string, passwordHash: string | null): Promise<string> {
      const id = randomUUIDv7();
      const user = { id, username, name: '', email: null, active: true, passwordHash };
      await db.atomically([db.users.add(user, Date.now())]);
      return id;
    },
    /** Adds a group. @returns the id of the group. */
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
    /** Issues the code for the user, as the operator does. */
    async issueCode(code: string, userId: string): Promise<void> {
      const now = Date.now();
      const row = { key: digest(code), userId, issuerId: null, issuerTokenId: null, expiresAt: now + HOUR };
      await db.atomically(db.codes.issue(row, now));
    },
  };
}

/**
 * @param found the codes in the database; codes that do not work may be there or not.
 * @returns the state of the model in the same form as `state()`.
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
