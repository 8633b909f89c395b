/** What is asked of users. */
import { and, asc, eq, gt, sql } from '../drizzle.ts';
import type { Engine, Moment } from '../engine.ts';
import { beginning, comparable } from '../text.ts';
import { given, givenAs } from '../vocabulary.ts';

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
  const { build, equals, givenLimit, read, readOne, readOneCached, write } = engine;
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
      .where(gt(users.id, given('after')))
      .orderBy(asc(users.id))
      .limit(givenLimit),
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
      id: given('id'),
      createdAt: given('now'),
      updatedAt: given('now'),
      username: given('username'),
      usernameKey: given('usernameKey'),
      name: given('name'),
      nameKey: given('nameKey'),
      email: given('email'),
      emailKey: given('emailKey'),
      passwordHash: given('passwordHash'),
      active: given('active'),
    }),
    1,
  );
  const update = write(
    build
      .update(users)
      .set({
        version: sql`${users.version} + 1`,
        updatedAt: givenAs('now', users.updatedAt),
        username: givenAs('username', users.username),
        usernameKey: givenAs('usernameKey', users.usernameKey),
        name: givenAs('name', users.name),
        nameKey: givenAs('nameKey', users.nameKey),
        email: givenAs('email', users.email),
        emailKey: givenAs('emailKey', users.emailKey),
        active: givenAs('active', users.active),
      })
      .where(and(equals(users.id, 'id'), equals(users.version, 'version'))),
    1,
  );
  const passwordUpdate = {
    version: sql`${users.version} + 1`,
    updatedAt: givenAs('now', users.updatedAt),
    passwordHash: givenAs('passwordHash', users.passwordHash),
  };
  const newPassword = write(build.update(users).set(passwordUpdate).where(equals(users.id, 'id')), 1);
  const passwordChange = write(
    build
      .update(users)
      .set(passwordUpdate)
      .where(and(equals(users.id, 'id'), eq(users.passwordHash, given('oldHash')))),
    1,
  );
  const removal = write(
    build.delete(users).where(and(equals(users.id, 'id'), equals(users.version, 'version'))),
    1,
  );

  return {
    /** @returns the user as they are now, or as they were at some moment since the one that is given. */
    find: (id: string, since?: Moment) => byId({ id }, since),
    /** @returns at most `limit` users whose ids follow `after`, in the order of their ids. */
    page(after: string, limit: number) {
      return pageAfter({ after, limit });
    },
    /** @returns the user of that name, or of that e-mail address (which alone has an @), with the password's hash. */
    async findCredentials(username: string) {
      const key = comparable(username);
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
    add(user: UserFields & { id: string; passwordHash: string | null }, now: number) {
      return insert({ ...keyed(user), now });
    },
    /** A write that takes effect only while the user has that version. */
    change(user: UserFields & { id: string; version: number }, now: number) {
      return update({ ...keyed(user), now });
    },
    setPassword(id: string, passwordHash: string, now: number) {
      return newPassword({ id, passwordHash, now });
    },
    /** A write that takes effect only while the user's password is the one of the old hash. */
    changePassword(change: { id: string; oldHash: string; passwordHash: string }, now: number) {
      return passwordChange({ ...change, now });
    },
    remove(user: { id: string; version: number }) {
      return removal({ ...user });
    },
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
    usernameKey: comparable(user.username),
    nameKey: beginning(user.name),
    emailKey: user.email === null ? null : comparable(user.email),
  };
}
