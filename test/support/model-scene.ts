/**
 * Chooses the random inputs of the model's test: callers with valid and ended credentials, and existing and deleted users, groups
 * and codes. All choices follow from the seed, so that a failure can be reproduced.
 */
import { type Caller, EVERYTHING, emptyWorld, heldBy, type Made, type Verdict, type World } from './model.ts';

/** A pseudo-random number generator with a seed (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number from 0 (inclusive) to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.next() * items.length)];
  }

  some<Item>(items: readonly Item[], probability: number): Item[] {
    return items.filter(() => this.chance(probability));
  }
}

const PERMISSIONS = [
  ...['users:write', 'users:read-private', 'groups:write', 'sessions:write', 'audit:read', 'tea:make'],
];
const UNKNOWN = '01900000-0000-7000-8000-000000000000';
/** How many deleted objects of each kind are still used; the newest are kept. */
const REMEMBERED = 6;

type Kind = 'users' | 'groups' | 'sessions' | 'tokens' | 'codes';

export class Scene {
  readonly random: Random;
  world: World = emptyWorld();
  /** Keys of deleted objects: ids, cookies, secrets and codes that must not work any more. */
  readonly gone: Record<Kind, string[]> = { users: [], groups: [], sessions: [], tokens: [], codes: [] };
  #count = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Applies the verdict to the world, and records which objects it deleted. */
  apply({ apply }: Verdict, made: Made): void {
    const before = (['users', 'groups', 'sessions', 'tokens', 'codes'] as const).map(
      (kind) => [kind, [...this.world[kind].keys()]] as const,
    );
    apply?.(this.world, made);
    for (const [kind, keys] of before) {
      const lost = keys.filter((key) => !this.world[kind].has(key));
      this.gone[kind] = [...lost, ...this.gone[kind]].slice(0, REMEMBERED);
    }
  }

  /** @returns a key of that kind: usually of an existing object, and often of one that a code depends on. */
  key(kind: Kind): string {
    const { random, world } = this;
    if (random.chance(0.06)) return random.pick(this.gone[kind]) ?? UNKNOWN;
    const ofCodes = random.chance(0.4) ? random.pick(this.#ofCodes(kind)) : undefined;
    return ofCodes ?? random.pick([...world[kind].keys()]) ?? UNKNOWN;
  }

  /** @returns the users and issuers of codes and their groups, because whether a code works depends on all of these. */
  #ofCodes(kind: Kind): string[] {
    const { codes, groups } = this.world;
    const users = [...codes.values()].flatMap(({ userId, issuer }) => [userId, issuer?.id ?? userId]);
    if (kind === 'users') return users;
    if (kind !== 'groups') return [];
    return [...groups.values()].flatMap(({ id, members }) =>
      users.some((each) => members.has(each)) ? [id] : [],
    );
  }

  /** @returns the id of a session or token, usually one of the caller's own. */
  credentialId(kind: 'sessions' | 'tokens', userId: string | undefined): string {
    const all = [...this.world[kind].values()];
    const own = all.filter((each) => each.userId === userId);
    return this.random.pick(this.random.chance(0.8) ? own : all)?.id ?? UNKNOWN;
  }

  /** @returns a caller with a session, a token, both or neither; each may be valid or ended. */
  caller(): Caller {
    const { random } = this;
    const way = random.next();
    const cookie = this.#credential('sessions');
    const bearer = this.#credential('tokens');
    if (way < 0.52) return { cookie, bearer: null };
    if (way < 0.92) return { cookie: null, bearer };
    return way < 0.97 ? { cookie, bearer } : { cookie: null, bearer: null };
  }

  /** @returns a cookie or a secret, preferably of a user with many permissions, because the others are refused almost everything. */
  #credential(kind: 'sessions' | 'tokens'): string {
    const [one, other] = [this.key(kind), this.key(kind)];
    const weight = (key: string) => {
      const held = heldBy(this.world, this.world[kind].get(key)?.userId ?? '');
      return held.includes(EVERYTHING) ? 9 : held.length;
    };
    return this.random.chance(0.8) && weight(other) > weight(one) ? other : one;
  }

  /** @returns a caller with a session, for requests that only sessions may send. */
  sessionCaller(): Caller {
    return this.random.chance(0.85) ? { cookie: this.key('sessions'), bearer: null } : this.caller();
  }

  /** @returns a new name, or sometimes one that is taken. */
  name(kind: 'users' | 'groups'): string {
    const taken = kind === 'users' ? this.world.users.get(this.key(kind))?.username : this.groupName();
    return taken && this.random.chance(0.12) ? taken : this.newName(kind);
  }

  newName(kind: 'users' | 'groups'): string {
    return `${kind.slice(0, -1)}-${++this.#count}`;
  }

  groupName(): string {
    return this.world.groups.get(this.key('groups'))?.name ?? 'nothing';
  }

  /** @returns a new address, or sometimes one that is taken or pending. */
  email(): string {
    const { email, pendingEmail } = this.world.users.get(this.key('users')) ?? {};
    const known = this.random.chance(0.5) ? email : pendingEmail;
    return known && this.random.chance(0.3) ? known : `mail-${++this.#count}@example.org`;
  }

  newPassword(): string {
    return `password ${++this.#count}`;
  }

  /** @returns a list of permissions; it is sometimes empty, and sometimes contains `*`. */
  permissions(): string[] {
    if (this.random.chance(0.15)) return ['*'];
    return this.random.some(PERMISSIONS, 0.3);
  }

  permission(): string {
    return this.random.pick([...PERMISSIONS, '*']) ?? '*';
  }

  /** @returns the password of the user, or sometimes a wrong one. */
  passwordOf(userId: string | undefined): string {
    const right = this.world.users.get(userId ?? '')?.password;
    return right && !this.random.chance(0.12) ? right : 'a wrong password';
  }
}
