/**
 * What the random steps of the model's test choose from: callers with living and ended credentials, users, groups and codes that
 * are there, and some that are gone. All of it follows from the seed, so that a failure can be repeated.
 */
import { type Caller, EVERYTHING, emptyWorld, heldBy, type Made, type Verdict, type World } from './model.ts';

/** Numbers that look random and follow from a seed (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number from 0 to below 1. */
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

const PERMISSIONS = ['users:write', 'groups:write', 'sessions:write', 'audit:read', 'tea:make'];
export const UNKNOWN = '01900000-0000-7000-8000-000000000000';
/** How many that are gone are still tried, the newest first. */
const REMEMBERED = 6;

type Kind = 'users' | 'groups' | 'sessions' | 'tokens' | 'codes';

export class Scene {
  readonly random: Random;
  world: World = emptyWorld();
  /** Keys of what is gone: ids, cookies, secrets and codes that must not work. */
  readonly gone: Record<Kind, string[]> = { users: [], groups: [], sessions: [], tokens: [], codes: [] };
  #count = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Changes the world as the verdict says, and remembers what is gone by it. */
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

  /** @returns a key of that kind: mostly of something that is there, and often of what codes depend on. */
  key(kind: Kind): string {
    const { random, world } = this;
    if (random.chance(0.06)) return random.pick(this.gone[kind]) ?? UNKNOWN;
    const ofCodes = random.chance(0.4) ? random.pick(this.#ofCodes(kind)) : undefined;
    return ofCodes ?? random.pick([...world[kind].keys()]) ?? UNKNOWN;
  }

  /** @returns the users and issuers of codes, and their groups: whether a code works is decided by many things. */
  #ofCodes(kind: Kind): string[] {
    const { codes, groups } = this.world;
    const users = [...codes.values()].flatMap(({ userId, issuer }) => [userId, issuer?.id ?? userId]);
    if (kind === 'users') return users;
    if (kind !== 'groups') return [];
    return [...groups.values()].flatMap(({ id, members }) =>
      users.some((each) => members.has(each)) ? [id] : [],
    );
  }

  /** @returns the id of a session or token, of the caller's own user more often than not. */
  credentialId(kind: 'sessions' | 'tokens', userId: string | undefined): string {
    const all = [...this.world[kind].values()];
    const own = all.filter((each) => each.userId === userId);
    return this.random.pick(this.random.chance(0.8) ? own : all)?.id ?? UNKNOWN;
  }

  /** @returns a caller: by a session, by a token, by both or neither, living or ended. */
  caller(): Caller {
    const { random } = this;
    const way = random.next();
    const cookie = this.#credential('sessions');
    const bearer = this.#credential('tokens');
    if (way < 0.52) return { cookie, bearer: null };
    if (way < 0.92) return { cookie: null, bearer };
    return way < 0.97 ? { cookie, bearer } : { cookie: null, bearer: null };
  }

  /** @returns a cookie or a secret, rather one whose user holds much: those who hold nothing are refused nearly everything. */
  #credential(kind: 'sessions' | 'tokens'): string {
    const [one, other] = [this.key(kind), this.key(kind)];
    const weight = (key: string) => {
      const held = heldBy(this.world, this.world[kind].get(key)?.userId ?? '');
      return held.includes(EVERYTHING) ? 9 : held.length;
    };
    return this.random.chance(0.8) && weight(other) > weight(one) ? other : one;
  }

  /** @returns a session's caller, for what only sessions may do. */
  sessionCaller(): Caller {
    return this.random.chance(0.85) ? { cookie: this.key('sessions'), bearer: null } : this.caller();
  }

  /** @returns a name that is new, or now and then one that is taken. */
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

  email(): string {
    const taken = this.world.users.get(this.key('users'))?.email;
    return taken && this.random.chance(0.12) ? taken : `mail-${++this.#count}@example.org`;
  }

  newPassword(): string {
    return `password ${++this.#count}`;
  }

  /** @returns a list of permissions, empty at times, with * at times. */
  permissions(): string[] {
    if (this.random.chance(0.15)) return ['*'];
    return this.random.some(PERMISSIONS, 0.3);
  }

  permission(): string {
    return this.random.pick([...PERMISSIONS, '*']) ?? '*';
  }

  /** @returns the password of the user, or now and then a wrong one. */
  passwordOf(userId: string | undefined): string {
    const right = this.world.users.get(userId ?? '')?.password;
    return right && !this.random.chance(0.12) ? right : 'a wrong password';
  }
}
