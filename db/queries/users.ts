/** Queries for users and their passwords. */
import { and, eq, isNotNull, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import {
  equals,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import type { PasswordSetterKind } from '../schema/users.ts';
import { normalizeIdentifier, searchPrefix } from '../text.ts';
import { pageAfter } from './page-after.ts';

type UserFields = Pick<
  Tables['users']['$inferSelect'],
  'username' | 'name' | 'email' | 'pendingEmail' | 'active'
>;

const FIELDS = [
  ...(['username', 'usernameKey', 'usernameSearchKey', 'name', 'nameKey'] as const),
  ...(['email', 'emailKey', 'emailSearchKey', 'pendingEmail', 'active'] as const),
] as const;
const PASSWORD_FIELDS = ['passwordSetBy', 'passwordSetById', 'passwordSetAt'] as const;

/** A user as lists show them. */
export type UserRow = Awaited<ReturnType<ReturnType<typeof userQueries>['page']>>[number];

/** A user, and who set the password. */
export type UserDetailRow = NonNullable<Awaited<ReturnType<ReturnType<typeof userQueries>['find']>>>;

/** Who sets a password, and how. */
export interface PasswordSetter {
  by: PasswordSetterKind;
  /** The user who makes the account, or who issued the code. */
  userId: string | null;
}

type NewUser = Omit<UserFields, 'pendingEmail'> & {
  id: string;
  pendingEmail?: string | null;
  passwordHash: string | null;
  passwordSetter?: PasswordSetter;
};

/** The columns that the API shows. */
export function shownColumns(users: Tables['users']) {
  return {
    ...pickColumns(users, 'id', 'version', 'username', 'name', 'email', 'pendingEmail', 'active'),
    ...pickColumns(users, 'createdAt', 'updatedAt', 'lastSignInAt'),
  };
}

/** The columns for those who give rights. */
export function passwordColumns(users: Tables['users']) {
  return pickColumns(users, ...PASSWORD_FIELDS);
}

/** @returns the values of these columns. */
export function setterValues(setter: PasswordSetter | undefined, at: number) {
  return {
    passwordSetBy: setter?.by ?? null,
    passwordSetById: setter?.userId ?? null,
    passwordSetAt: setter ? at : null,
  };
}

export function userQueries(engine: Engine) {
  return { ...profileQueries(engine), ...passwordQueries(engine), ...rightsQueries(engine) };
}

function profileQueries({ build, read, readOneCached, write, tables: { users } }: Engine) {
  const shown = shownColumns(users);
  const ofId = equals(users.id, 'id');
  const detail = { ...shown, ...passwordColumns(users) };
  const byId = readOneCached(build.select(detail).from(users).where(equals(users.id, 'key')));
  const page = read(pageAfter(build.select(shown).from(users).$dynamic(), users.id));
  const row = {
    ...placeholdersFor(users, 'id', ...FIELDS, 'createdAt', 'updatedAt'),
    ...placeholdersFor(users, 'passwordHash', ...PASSWORD_FIELDS),
  };
  const insert = write(build.insert(users).values(row), 1);
  const atVersion = and(ofId, equals(users.version, 'version'));
  const fields = { ...newVersion(users), ...placeholdersFor(users, ...FIELDS) };
  const update = write(build.update(users).set(fields).where(atVersion), 1);
  const removal = write(build.delete(users).where(atVersion), 1);

  return {
    find: (id: string) => byId({ key: id }),
    page: (after: string, limit: number) => page({ after, limit }),
    add: ({ passwordSetter, pendingEmail = null, ...user }: NewUser, now: number) =>
      insert({
        ...withKeys({ ...user, pendingEmail }),
        ...setterValues(passwordSetter, now),
        createdAt: now,
        updatedAt: now,
      }),
    /** Requires that the user still has that version, and so does `remove`. */
    change: (user: UserFields & { id: string; version: number }, now: number) =>
      update({ ...withKeys(user), now }),
    remove: (user: { id: string; version: number }) => removal({ ...user }),
  };
}

function passwordQueries({ build, readOne, write, tables: { users } }: Engine) {
  const credentials = pickColumns(users, 'id', 'username', 'active', 'passwordHash');
  const ofId = equals(users.id, 'id');
  const byUsername = readOne(build.select(credentials).from(users).where(equals(users.usernameKey, 'key')));
  const byEmail = readOne(build.select(credentials).from(users).where(equals(users.emailKey, 'key')));
  const hashOf = readOne(build.select({ passwordHash: users.passwordHash }).from(users).where(ofId));
  const isEnabled = eq(users.active, true);
  const canSignIn = and(isEnabled, isNotNull(users.passwordHash));
  const anyWithPassword = readOne(build.select({ id: users.id }).from(users).where(canSignIn).limit(1));
  const newHash = {
    ...newVersion(users),
    ...placeholdersFor(users, 'passwordHash', ...PASSWORD_FIELDS),
  };
  const newPassword = write(build.update(users).set(newHash).where(ofId), 1);
  const hasOldHash = eq(users.passwordHash, placeholder('oldHash'));
  const passwordChange = write(build.update(users).set(newHash).where(and(ofId, hasOldHash)), 1);
  const renewal = placeholdersFor(users, 'passwordHash');
  const hashRenewal = write(build.update(users).set(renewal).where(and(ofId, hasOldHash)), 1);
  const lastSignInAt = typedPlaceholder('now', users.lastSignInAt);
  const maySignIn = and(ofId, isEnabled, eq(users.passwordHash, placeholder('passwordHash')));
  // Twice in a millisecond, the time alone would change nothing, and what changes nothing guards nothing across nodes.
  const newSignIn = { lastSignInAt, rightsVersion: sql`${users.rightsVersion} + 1` };
  const signIn = write(build.update(users).set(newSignIn).where(maySignIn), 1);

  return {
    /** Finds the user by username or by e-mail address; only addresses contain an @. */
    async findCredentials(username: string) {
      const key = normalizeIdentifier(username);
      // No username contains spaces, and MySQL ignores spaces at the end when it compares.
      if (/\s/.test(key)) return undefined;
      return key.includes('@') ? byEmail({ key }) : byUsername({ key });
    },
    /** Returns null when the user has no password, and undefined when the user is missing. */
    passwordHash: async (id: string) => (await hashOf({ id }))?.passwordHash,
    /** Whether any user can sign in. */
    exist: async () => (await anyWithPassword()) !== undefined,
    setPassword: (id: string, passwordHash: string, setter: PasswordSetter, now: number) =>
      newPassword({ id, passwordHash, ...setterValues(setter, now), now }),
    /** Stores a password that the user has chosen. Requires that the password still has the old hash. */
    changePassword: (change: { id: string; oldHash: string; passwordHash: string }, now: number) =>
      passwordChange({ ...change, ...setterValues({ by: 'self', userId: null }, now), now }),
    /** Replaces the hash by another one of the same password, which is no change of the user. Requires the old hash. */
    renewHash: (id: string, oldHash: string, passwordHash: string): Step =>
      hashRenewal({ id, oldHash, passwordHash }),
    /** Stores the time of a sign-in. It requires that the user is active and still has that password. */
    signIn: (id: string, passwordHash: string, now: number): Step => signIn({ id, passwordHash, now }),
  };
}

function rightsQueries({ build, condition, readOne, write, tables: { users } }: Engine) {
  const ofId = equals(users.id, 'id');
  const rightsVersion = readOne(build.select({ version: users.rightsVersion }).from(users).where(ofId));
  const newRightsVersion = { rightsVersion: sql`${users.rightsVersion} + 1` };
  const atVersion = and(ofId, equals(users.rightsVersion, 'version'));
  const lock = write(build.update(users).set(newRightsVersion).where(ofId), 1);
  const lockAt = write(build.update(users).set(newRightsVersion).where(atVersion), 1);
  const ofActiveUser = and(ofId, eq(users.active, true));
  const isActive = condition(build.select({ id: users.id }).from(users).where(ofActiveUser), 'some');

  return {
    rightsVersion: async (id: string) => (await rightsVersion({ id }))?.version,
    /** Must precede steps that change or rely on the user's rights (see rightsVersion). */
    lock: (id: string): Step => lock({ id }),
    /** Does the same, and requires that the user's groups are those that were read with that version. */
    lockAt: (id: string, version: number): Step => lockAt({ id, version }),
    /** Requires that the user is active. */
    isActive: (id: string): Step => isActive({ id }),
  };
}

function newVersion(users: Tables['users']) {
  return { version: sql`${users.version} + 1`, updatedAt: typedPlaceholder('now', users.updatedAt) };
}

function withKeys<User extends UserFields>(user: User) {
  return {
    ...user,
    usernameKey: normalizeIdentifier(user.username),
    usernameSearchKey: searchPrefix(user.username),
    nameKey: searchPrefix(user.name),
    emailKey: user.email === null ? null : normalizeIdentifier(user.email),
    emailSearchKey: user.email === null ? null : searchPrefix(user.email),
  };
}
