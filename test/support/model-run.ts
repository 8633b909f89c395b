/**
 * Runs random steps against a service and against the model, and compares each answer and the whole database after each step. A
 * difference is reported with the seed that reproduces it.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import {
  type Caller,
  codeWorks,
  keepingAdministrator,
  type ModelGroup,
  NOTHING_MADE,
  type Role,
  type Verdict,
  whoIs,
} from './model.ts';
import { type Operator, stateOf } from './model-database.ts';
import { Scene } from './model-scene.ts';
import { chooseMaker, type ModelAnswer, type ModelRequest, type ModelStep, madeBy } from './model-steps.ts';
import { ACCOUNT_STEPS } from './model-steps-accounts.ts';
import { SIGN_STEPS } from './model-steps-sign.ts';
import { putCode } from './model-users.ts';

export interface ModelService {
  name: string;
  operator: Operator;
  send(request: ModelRequest): Promise<ModelAnswer>;
  /** @returns whether the code works now, without using it. */
  takesCode(code: string): Promise<boolean>;
  hash(password: string): Promise<string>;
  /** @returns a text in the form of a code. */
  newCode(): string;
}

interface Plan {
  seed: number;
  steps: number;
  /** All codes are tried after every so many steps. */
  tryCodesEvery: number;
  /** The steps go on until each of these requests and statuses has come up, to three times as many at most. */
  mustComeUp?: string[];
}

const MAKERS = [...ACCOUNT_STEPS, ...SIGN_STEPS];
/** How many wrong passwords and codes, and how many bad tokens, are sent before more is throttled than the model knows. */
const MOST = { secrets: 19, tokens: 100 };
const LOOKS_AT_SECRET = /^\/api\/(sign\/(in|confirm|reset)|users\/[^/]+\/password)$/;
/** How many steps before a difference are printed. */
const SHOWN = 30;

/** The initial users. For each of their groups: its permissions, and the role of the user. */
const CAST: Record<string, [string[], Role][]> = {
  chief: [[['*'], 'manager']],
  ann: [[['users:write', 'audit:read'], 'member']],
  ben: [[['groups:write', 'tea:make'], 'member']],
  cid: [[['users:write', 'sessions:write', 'tea:make'], 'member']],
  dee: [
    [['tea:make'], 'manager'],
    [[], 'manager'],
  ],
  eve: [],
  fay: [[['users:read-private'], 'member']],
};

/** @returns the plan of the run; environment variables override the arguments. */
export function planOf(steps: number, tryCodesEvery: number): Plan {
  const { MODEL_SEED, MODEL_STEPS } = process.env;
  const seed = MODEL_SEED ? Number(MODEL_SEED) : Math.floor(Math.random() * 2 ** 32);
  return { seed, steps: MODEL_STEPS ? Number(MODEL_STEPS) : steps, tryCodesEvery };
}

/** Runs the steps of the plan. @returns how often each kind of request got each status. @throws on the first difference. */
export async function runModel(
  t: Test,
  service: ModelService,
  { seed, steps, tryCodesEvery, mustComeUp = [] }: Plan,
): Promise<Map<string, number>> {
  t.comment(`MODEL_SEED=${seed} MODEL_STEPS=${steps} on ${service.name}`);
  const run = new ModelRun(service, seed);
  await run.setScene();
  try {
    const isMissing = () => mustComeUp.some((kind) => !run.tally.has(kind));
    for (let number = 1; number <= steps || (number <= 3 * steps && isMissing()); number++) {
      await run.takeStep();
      if (number % tryCodesEvery === 0) await run.tryCodes();
      if (number % 500 === 0) await run.holdTheClock();
    }
    await run.tryCodes();
  } catch (error) {
    const lines = [...run.trail.slice(-SHOWN), String(error instanceof Error ? error.message : error)];
    t.comment(lines.join('\n'));
    throw new Error(
      `step ${run.trail.length} on ${service.name} differs (again by MODEL_SEED=${seed} MODEL_STEPS=${steps}): ${lines.at(-1)}`,
      { cause: error },
    );
  }
  return run.tally;
}

class ModelRun {
  readonly trail: string[] = [];
  readonly tally = new Map<string, number>();
  readonly #service: ModelService;
  readonly #scene: Scene;
  /** Since attempts were last forgotten. */
  #refused = { secrets: 0, tokens: 0 };

  constructor(service: ModelService, seed: number) {
    this.#service = service;
    this.#scene = new Scene(seed);
  }

  async setScene(): Promise<void> {
    // This user holds `*` but has no password, and so does not count as an administrator.
    const newcomer = await this.#makeUser('newcomer', null);
    for (const [username, groups] of Object.entries(CAST)) {
      const userId = await this.#makeUser(username);
      for (const [permissions, role] of groups)
        await this.#makeGroup(permissions, [
          [userId, role],
          [newcomer, 'member'],
        ]);
    }
  }

  async takeStep(): Promise<void> {
    const scene = this.#scene;
    if (scene.random.chance(0.07) || scene.world.users.size < 6) await this.#operate();
    else await this.#ask(chooseMaker(scene, MAKERS)(scene, scene.caller()));
    const { secrets, tokens } = this.#refused;
    if (secrets >= MOST.secrets || tokens >= MOST.tokens) await this.#forgetAttempts();
    const found = await this.#service.operator.state();
    const expected = stateOf(scene.world, found.codes);
    if (!isDeepStrictEqual(found, expected))
      throw new Error(`the database has\n${show(found)}\nand the model\n${show(expected)}`);
  }

  async #ask({ request, verdict, read }: ModelStep): Promise<void> {
    const { method, path, caller, body } = request;
    const line = `${method} ${path} ${body ? JSON.stringify(body) : ''} by ${this.#describe(caller)}`;
    this.trail.push(`${line}: the model says ${verdict.status}`);
    const answer = await this.#service.send(request);
    if (answer.status !== verdict.status)
      throw new Error(`${line}: answered ${answer.status} ${answer.body}, the model says ${verdict.status}`);
    const kind = `${method} ${path.replace(/[?].*/, '').replaceAll(/[0-9a-f-]{36}/g, ':id')} ${verdict.status}`;
    this.tally.set(kind, (this.tally.get(kind) ?? 0) + 1);
    if (read && verdict.content !== undefined && answer.status < 300) {
      const found = read(answer.body);
      if (!isDeepStrictEqual(found, verdict.content))
        throw new Error(`${line}: answered\n${show(found)}\nand the model says\n${show(verdict.content)}`);
    }
    if (LOOKS_AT_SECRET.test(path) && answer.status >= 400) this.#refused.secrets++;
    if (caller.bearer && !whoIs(this.#scene.world, caller)) this.#refused.tokens++;
    this.#scene.apply(verdict, answer.status < 300 ? madeBy(answer) : NOTHING_MADE);
  }

  async #forgetAttempts(): Promise<void> {
    this.trail.push('the wrong passwords are forgotten');
    await this.#service.operator.forgetAttempts();
    this.#scene.world.attempts.clear();
    this.#refused = { secrets: 0, tokens: 0 };
  }

  /** Makes a random change of the operator, or lets time pass. */
  async #operate(): Promise<void> {
    const { random, world } = this.#scene;
    const { operator } = this.#service;
    const way = random.next();
    const withoutPassword = [...world.users.values()].find(({ password }) => password === null);
    const [anyone, groupId] = [this.#scene.key('users'), this.#scene.key('groups')];
    const userId = (random.chance(0.5) ? withoutPassword?.id : undefined) ?? anyone;
    const cookie = this.#scene.key('sessions');
    const session = world.sessions.get(cookie);
    const group = world.groups.get(groupId);
    if (world.users.size < 6) {
      await this.#makeUser(this.#scene.newName('users'));
    } else if (way < 0.25 && session) {
      this.trail.push(`the session of ${world.users.get(session.userId)?.username} becomes stale`);
      await operator.setFreshness(cookie, false);
      session.fresh = false;
    } else if (way < 0.32) {
      await this.#forgetAttempts();
    } else if (way < 0.6 && group && world.users.has(userId) && !group.members.has(userId)) {
      this.trail.push(`the operator puts ${userId} into ${groupId}`);
      await operator.join(groupId, userId, 'member');
      group.members.set(userId, 'member');
    } else if (way < 0.8 && group) {
      await this.#takeOut(group);
    } else if (world.users.has(userId)) {
      this.trail.push(`the operator issues a code for ${userId}`);
      const code = this.#service.newCode();
      await operator.issueCode(code, userId);
      this.#scene.apply({ status: 0, apply: (after) => putCode(after, code, userId, null) }, NOTHING_MADE);
    }
  }

  /** Removes a member from the group, as the operator does, unless the last administrator would be lost. */
  async #takeOut({ id, members }: ModelGroup): Promise<void> {
    const [userId, role] = this.#scene.random.pick([...members]) ?? [];
    if (!userId || !role) return;
    const leave: Verdict = { status: 0, apply: ({ groups }) => groups.get(id)?.members.delete(userId) };
    if (keepingAdministrator(this.#scene.world, leave) !== leave) return;
    this.trail.push(`the operator takes ${userId} out of ${id}`);
    await this.#service.operator.leave(id, userId, role);
    this.#scene.apply(leave, NOTHING_MADE);
  }

  /** Checks every current and recent code, without using it. */
  async tryCodes(): Promise<void> {
    const { world, gone } = this.#scene;
    for (const code of [...world.codes.keys(), ...gone.codes]) {
      const [takes, works] = [await this.#service.takesCode(code), codeWorks(world, code)];
      if (takes !== works)
        throw new Error(
          `the code of ${show(world.codes.get(code))} ${takes ? 'works' : 'does not work'}, the model says otherwise`,
        );
    }
  }

  /** Undoes the effect of real time, which would make sessions stale and forget failed attempts during a long run. */
  async holdTheClock(): Promise<void> {
    for (const [cookie, { fresh }] of this.#scene.world.sessions)
      if (fresh) await this.#service.operator.setFreshness(cookie, true);
    await this.#forgetAttempts();
  }

  async #makeUser(username: string, password: string | null = this.#scene.newPassword()): Promise<string> {
    const id = await this.#service.operator.makeUser(
      username,
      password && (await this.#service.hash(password)),
    );
    const nothing = { name: '', email: null, pendingEmail: null };
    this.#scene.world.users.set(id, { id, username, ...nothing, active: true, password });
    return id;
  }

  async #makeGroup(permissions: string[], members: [string, Role][]): Promise<void> {
    const name = this.#scene.newName('groups');
    const id = await this.#service.operator.makeGroup(name, permissions, members);
    this.#scene.world.groups.set(id, { id, name, permissions, members: new Map(members) });
  }

  #describe(caller: Caller): string {
    const who = whoIs(this.#scene.world, caller);
    if (!who) return caller.cookie || caller.bearer ? 'an ended credential' : 'an anonymous caller';
    const { user, held, scopes, fresh } = who;
    const way = scopes === null ? `a ${fresh ? 'fresh' : 'stale'} session` : `a token for ${scopes}`;
    return `${way} of ${user.username} (${user.id}), who holds ${held}`;
  }
}

const show = (value: unknown) => inspect(value, { depth: 6, breakLength: 150 });
