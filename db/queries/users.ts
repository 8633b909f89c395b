/** Queries for users and their passwords. */
import { and, asc, eq, gt, isNotNull, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { normalizeIdentifier, searchPrefix } from '../identifiers.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
  typedPlaceholdersFor,
} from '../schema/column-types.ts';

type UserFields = Pick<Tables['users']['$inferSelect'], 'username' | 'name' | 'email' | 'active'>;

const FIELDS = ['username', 'usernameKey', 'name', 'nameKey', 'email', 'emailKey', 'active'] as const;

export type UserRow = NonNullable<Awaited<ReturnType<ReturnType<typeof userQueries>['find']>>>;

/** The columns that the API shows. */
export function shownColumns(users: Tables['users']) {
  return {
    id: users.id,
    version: users.version,
    username: users.username,
    name: users.name,
    email: users.email,
    active: users.active,
    createdAt: users.createdAt,
    updatedAt: users.updatedAt,
    lastSignInAt: users.lastSignInAt,
  };
}

export function userQueries(engine: Engine) {
  const { build, read, condition, readOne, write } = engine;
  const { users } = engine.tables;
  const shown = shownColumns(users);
  const credentials = {
    id: users.id,
    username: users.username,
    active: users.active,
    passwordHash: users.passwordHash,
  };

  const ofId = equals(users.id, 'id');
  const isEnabled = eq(users.active, true);
  const byId = readOne(build.select(shown).from(users).where(ofId));
  const pageAfter = read(
    build
      .select(shown)
      .from(users)
      .where(gt(users.id, placeholder('after')))
      .orderBy(asc(users.id))
      .limit(limitPlaceholder),
  );
  const byUsername = readOne(build.select(credentials).from(users).where(equals(users.usernameKey, 'key')));
  const byEmail = readOne(build.select(credentials).from(users).where(equals(users.emailKey, 'key')));
  const hashOf = readOne(build.select({ passwordHash: users.passwordHash }).from(users).where(ofId));
  const anyWithPassword = readOne(
    build
      .select({ id: users.id })
      .from(users)
      .where(and(isEnabled, isNotNull(users.passwordHash)))
      .limit(1),
  );
  const insert = write(
    build.insert(users).values({
      ...placeholdersFor('id', 'passwordHash', ...FIELDS),
      createdAt: placeholder('now'),
      updatedAt: placeholder('now'),
    }),
    1,
  );
  const newVersion = {
    version: sql`${users.version} + 1`,
    updatedAt: typedPlaceholder('now', users.updatedAt),
  };
  const atVersion = and(ofId, equals(users.version, 'version'));
  const update = write(
    build
      .update(users)
      .set({ ...newVersion, ...typedPlaceholdersFor(users, ...FIELDS) })
      .where(atVersion),
    1,
  );
  const setPassword = () =>
    build.update(users).set({ ...newVersion, ...typedPlaceholdersFor(users, 'passwordHash') });
  const newPassword = write(setPassword().where(ofId), 1);
  const hasOldHash = eq(users.passwordHash, placeholder('oldHash'));
  const passwordChange = write(setPassword().where(and(ofId, hasOldHash)), 1);
  const rightsVersion = readOne(build.select({ version: users.rightsVersion }).from(users).where(ofId));
  const raiseRightsVersion = () =>
    build.update(users).set({ rightsVersion: sql`${users.rightsVersion} + 1` });
  const lock = write(raiseRightsVersion().where(ofId), 1);
  const lockAt = write(raiseRightsVersion().where(and(ofId, equals(users.rightsVersion, 'version'))), 1);
  const isActive = condition(build.select({ id: users.id }).from(users).where(and(ofId, isEnabled)), 'some');
  const signIn = write(
    build
      .update(users)
      .set({ lastSignInAt: typedPlaceholder('now', users.lastSignInAt) })
      .where(and(ofId, isEnabled, eq(users.passwordHash, placeholder('passwordHash')))),
    1,
  );
  const removal = write(build.delete(users).where(atVersion), 1);

  return {
    find: (id: string) => byId({ id }),
    page: (after: string, limit: number) => pageAfter({ after, limit }),
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
    add: (user: UserFields & { id: string; passwordHash: string | null }, now: number) =>
      insert({ ...withKeys(user), now }),
    /** Requires that the user still has that version, and so does `remove`. */
    change: (user: UserFields & { id: string; version: number }, now: number) =>
      update({ ...withKeys(user), now }),
    setPassword: (id: string, passwordHash: string, now: number) => newPassword({ id, passwordHash, now }),
    /** Requires that the password still has the old hash. */
    changePassword: (change: { id: string; oldHash: string; passwordHash: string }, now: number) =>
      passwordChange({ ...change, now }),
    /** Must precede steps that change or rely on the user's rights (see rightsVersion). */
    lock: (id: string): Step => lock({ id }),
    /** Does the same, and requires that the user's groups are those that were read with that version. */
    lockAt: (id: string, version: number): Step => lockAt({ id, version }),
    rightsVersion: async (id: string) => (await rightsVersion({ id }))?.version,
    /** Requires that the user is active. */
    isActive: (id: string): Step => isActive({ id }),
    /** Stores the time of a sign-in. It requires that the user is active and still has that password. */
    signIn: (id: string, passwordHash: string, now: number): Step => signIn({ id, passwordHash, now }),
    remove: (user: { id: string; version: number }) => removal({ ...user }),
  };
}

function withKeys<User extends UserFields>(user: User) {
  return {
    ...user,
    usernameKey: normalizeIdentifier(user.username),
    nameKey: searchPrefix(user.name),
    emailKey: user.email === null ? null : normalizeIdentifier(user.email),
  };
}
