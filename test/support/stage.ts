/**
 * Makes the users, sessions and tokens for tests of concurrent requests, and sends their requests. It works in one process
 * (test/accounts/races.test.ts) and with real workers (test/long/races.test.ts).
 */
import { randomBytes } from 'node:crypto';
import type { Role } from './model.ts';
import type { ModelService } from './model-run.ts';
import { ANONYMOUS, type ModelAnswer, type ModelRequest } from './model-steps.ts';

const PASSWORD = 'a password of the races';

/** A user with a session. */
export interface Person {
  id: string;
  username: string;
  cookie: string;
}

type Line = `${ModelRequest['method']} ${string}`;

/** Users and groups of one test, with no other administrator in the database. */
export class Stage {
  readonly service: ModelService;
  readonly chief: Person;
  /** The id of the group that gives the chief every permission. */
  readonly admins: string;

  private constructor(service: ModelService, chief: Person, admins: string) {
    this.service = service;
    this.chief = chief;
    this.admins = admins;
  }

  /** Deletes all users and groups, and makes a chief who holds every permission. */
  static async empty(service: ModelService): Promise<Stage> {
    await service.operator.empty();
    const chief = await makePerson(service, 'chief');
    const admins = await service.operator.makeGroup('admins', ['*'], [[chief.id, 'manager']]);
    return new Stage(service, chief, admins);
  }

  /** @returns the same stage, but with another service on the same database. */
  through(service: ModelService): Stage {
    return new Stage(service, this.chief, this.admins);
  }

  /** @returns a signed-in user who holds these permissions through their own group. */
  async person(...permissions: string[]): Promise<Person> {
    const person = await makePerson(this.service, name());
    if (permissions.length > 0) await this.group(permissions, [[person.id, 'member']]);
    return person;
  }

  /** @returns the id of a new user without a session. @param hash null for a user without a password. */
  async target(hash: Promise<string> | null = hashOf(this.service)): Promise<string> {
    return this.service.operator.makeUser(name(), await hash);
  }

  /** @returns the id of a new group. */
  group(permissions: string[], members: [string, Role][] = []): Promise<string> {
    return this.service.operator.makeGroup(name(), permissions, members);
  }

  /** @returns the id and the secret of a new token of that user. */
  async token(person: Person, scopes: string[]): Promise<{ id: string; secret: string }> {
    const answer = await this.send(person, 'POST /api/tokens', { name: 'race', scopes });
    const made: { id: string; secret: string } = JSON.parse(answer.body);
    return made;
  }

  /** Sends a request. @param by a person, for their session; the secret of a token; or null for an anonymous caller. */
  send(by: Person | string | null, line: Line, body?: object): Promise<ModelAnswer> {
    const caller =
      by === null
        ? ANONYMOUS
        : typeof by === 'string'
          ? { cookie: null, bearer: by }
          : { cookie: by.cookie, bearer: null };
    return send(this.service, caller, line, body);
  }

  put(by: Person, groupId: string, userId: string, role: Role = 'member'): Promise<ModelAnswer> {
    return this.send(by, `PUT /api/groups/${groupId}/members/${userId}`, { role });
  }

  remove(by: Person, groupId: string, userId: string): Promise<ModelAnswer> {
    return this.send(by, `DELETE /api/groups/${groupId}/members/${userId}`);
  }

  carry(by: Person, groupId: string, permissions: string[]): Promise<ModelAnswer> {
    return this.send(by, `PATCH /api/groups/${groupId}`, { permissions });
  }

  lose(group: string, person: Person): Promise<ModelAnswer> {
    return this.remove(this.chief, group, person.id);
  }

  confirm(person: Person): Promise<ModelAnswer> {
    return this.send(person, 'POST /api/sign/confirm', { password: PASSWORD });
  }

  disable(by: Person, userId: string): Promise<ModelAnswer> {
    return this.send(by, `PATCH /api/users/${userId}`, { active: false });
  }

  /** Uses the code in the answer. @returns the status; 400 when the answer has no code. */
  async useCodeOf({ status, body }: ModelAnswer): Promise<number> {
    if (status !== 201) return 400;
    const { reset, code = reset?.code }: { code?: string; reset?: { code: string } } = JSON.parse(body);
    if (code === undefined) throw new Error(`There is no code in ${body}`);
    return (await this.send(null, 'POST /api/sign/reset', { code, password: PASSWORD })).status;
  }

  async isMember(groupId: string, userId: string): Promise<boolean> {
    const { groups } = await this.service.operator.state();
    return groups.some(({ id, members }) => id === groupId && members.some(([member]) => member === userId));
  }

  /** @returns the permissions of the user. */
  async held(userId: string): Promise<string[]> {
    const { groups } = await this.service.operator.state();
    const own = groups.filter(({ members }) => members.some(([id]) => id === userId));
    return [...new Set(own.flatMap(({ permissions }) => permissions))];
  }

  /** @returns whether a user who can sign in holds every permission. */
  async hasAdministrator(): Promise<boolean> {
    const { users } = await this.service.operator.state();
    for (const { id, active, hasPassword } of users)
      if (active && hasPassword && (await this.held(id)).includes('*')) return true;
    return false;
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function send(service: ModelService, caller: ModelRequest['caller'], line: Line, body?: object) {
  const [verb, path = ''] = line.split(' ');
  const method = METHODS.find((each) => each === verb) ?? 'GET';
  return service.send({ caller, method, path, ...(body ? { body } : {}) });
}

const name = () => `race-${randomBytes(6).toString('hex')}`;

/** Hashes by the hash function of a service. Each is computed once, because hashing takes most of the time of making a user. */
const hashes = new Map<ModelService['hash'], Promise<string>>();

function hashOf({ hash }: ModelService): Promise<string> {
  const made = hashes.get(hash) ?? hash(PASSWORD);
  hashes.set(hash, made);
  return made;
}

async function makePerson(service: ModelService, username: string): Promise<Person> {
  const id = await service.operator.makeUser(username, await hashOf(service));
  const { cookie, body } = await send(service, ANONYMOUS, 'POST /api/sign/in', {
    username,
    password: PASSWORD,
  });
  if (cookie === '') throw new Error(`${username} could not sign in: ${body}`);
  return { id, username, cookie };
}
