/** What is asked of users. */
import { and, asc, eq, gt, sql } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { normalizeIdentifier, searchPrefix } from '../identifiers.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
  typedPlaceholdersFor,
} from '../schema/column-types.ts';

export type UserRow = NonNullable<Awaited<ReturnType<ReturnType<typeof userQueries>['find']>>>;

/** The columns of a user that the API shows. */
export function shownColumns(users: Engine['tables']['users']) {
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
  const { build, read, condition, readOne, readOneCached, write } = engine;
  const { users } = engine.tables;
  const shown = shownColumns(users);
  const credentials = {
    id: users.id,
    username: users.username,
    active: users.active,
    passwordHash: users.passwordHash,
  };

  const byId = readOneCached(build.select(shown).from(users).where(equals(users.id, 'id')));
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
  const hashOf = readOne(
    build.select({ passwordHash: users.passwordHash }).from(users).where(equals(users.id, 'id')),
  );
  const anyWithPassword = readOne(
    build
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.active, true), sql`${users.passwordHash} IS NOT NULL`))
      .limit(1),
  );
  const insert = write(
    build.insert(users).values({
      ...placeholdersFor(
        'id',
        'username',
        'usernameKey',
        'name',
        'nameKey',
        'email',
        'emailKey',
        'passwordHash',
        'active',
      ),
      createdAt: placeholder('now'),
      updatedAt: placeholder('now'),
    }),
    1,
  );
  const update = write(
    build
      .update(users)
      .set({
        version: sql`${users.version} + 1`,
        updatedAt: typedPlaceholder('now', users.updatedAt),
        ...typedPlaceholdersFor(
          users,
          'username',
          'usernameKey',
          'name',
          'nameKey',
          'email',
          'emailKey',
          'active',
        ),
      })
      .where(and(equals(users.id, 'id'), equals(users.version, 'version'))),
    1,
  );
  const passwordUpdate = {
    version: sql`${users.version} + 1`,
    updatedAt: typedPlaceholder('now', users.updatedAt),
    passwordHash: typedPlaceholder('passwordHash', users.passwordHash),
  };
  const newPassword = write(build.update(users).set(passwordUpdate).where(equals(users.id, 'id')), 1);
  const passwordChange = write(
    build
      .update(users)
      .set(passwordUpdate)
      .where(and(equals(users.id, 'id'), eq(users.passwordHash, placeholder('oldHash')))),
    1,
  );
  const rightsVersion = readOne(
    build.select({ version: users.rightsVersion }).from(users).where(equals(users.id, 'id')),
  );
  const guard = write(
    build
      .update(users)
      .set({ rightsVersion: sql`${users.rightsVersion} + 1` })
      .where(equals(users.id, 'id')),
    1,
  );
  const guardAt = write(
    build
      .update(users)
      .set({ rightsVersion: sql`${users.rightsVersion} + 1` })
      .where(and(equals(users.id, 'id'), equals(users.rightsVersion, 'version'))),
    1,
  );
  const isActive = condition(
    build
      .select({ id: users.id })
      .from(users)
      .where(and(equals(users.id, 'id'), eq(users.active, true))),
    'some',
  );
  const signIn = write(
    build
      .update(users)
      .set({ lastSignInAt: typedPlaceholder('now', users.lastSignInAt) })
      .where(
        and(
          equals(users.id, 'id'),
          eq(users.active, true),
          eq(users.passwordHash, placeholder('passwordHash')),
        ),
      ),
    1,
  );
  const removal = write(
    build.delete(users).where(and(equals(users.id, 'id'), equals(users.version, 'version'))),
    1,
  );

  return {
    find: (id: string) => byId({ id }),
    /** @returns at most `limit` users whose ids follow `after`, in the order of their ids. */
    page: (after: string, limit: number) => pageAfter({ after, limit }),
    /** @returns the user of that name, or of that e-mail address (which alone has an @), with the password's hash. */
    async findCredentials(username: string) {
      const key = normalizeIdentifier(username);
      // Nobody's name has a space, but MySQL takes no notice of those at the end when it compares.
      if (/\s/.test(key)) return undefined;
      return key.includes('@') ? byEmail({ key }) : byUsername({ key });
    },
    /** @returns the hash of the user's password, null when there is none; undefined when there is no such user. */
    async passwordHash(id: string) {
      return (await hashOf({ id }))?.passwordHash;
    },
    /** @returns whether anybody can sign in. */
    async exist() {
      return (await anyWithPassword()) !== undefined;
    },
    add: (user: UserFields & { id: string; passwordHash: string | null }, now: number) =>
      insert({ ...keyed(user), now }),
    /** A write that takes effect only while the user has that version. */
    change: (user: UserFields & { id: string; version: number }, now: number) =>
      update({ ...keyed(user), now }),
    setPassword: (id: string, passwordHash: string, now: number) => newPassword({ id, passwordHash, now }),
    /** A write that takes effect only while the user's password is the one of the old hash. */
    changePassword: (change: { id: string; oldHash: string; passwordHash: string }, now: number) =>
      passwordChange({ ...change, now }),
    /** Must come before whatever gives, takes or relies on the user's rights (see rightsVersion). */
    guard: (id: string): Step => guard({ id }),
    /** The same, and takes effect only while the user belongs to the same groups as when that version was read. */
    guardAt: (id: string, version: number): Step => guardAt({ id, version }),
    async rightsVersion(id: string) {
      return (await rightsVersion({ id }))?.version;
    },
    /** Holds while the user is active. */
    isActive: (id: string): Step => isActive({ id }),
    /** Notes a sign-in. It takes effect only while the user is active and has that password. */
    signIn: (id: string, passwordHash: string, now: number): Step => signIn({ id, passwordHash, now }),
    remove: (user: { id: string; version: number }) => removal({ ...user }),
  };
}

interface UserFields {
  username: string;
  name: string;
  email: string | null;
  active: boolean;
}

function keyed<User extends UserFields>(user: User) {
  return {
    ...user,
    usernameKey: normalizeIdentifier(user.username),
    nameKey: searchPrefix(user.name),
    emailKey: user.email === null ? null : normalizeIdentifier(user.email),
  };
}
