/**
 * Races (see races.ts) between two requests that change, put or delete the same thing. Each answer must be true at some moment, and
 * what is left must be what the audit trail tells: its entries, in some order, lead from the first state to the last.
 */
import type { ModelService } from './model-run.ts';
import type { ModelAnswer } from './model-steps.ts';
import { possible } from './optional.ts';
import { togetherIn, wrongs } from './races.ts';
import { type Person, Stage } from './stage.ts';

/** What is watched of a thing, as text; null when it is not there. */
type State = string | null;

/** A change of state; from any state where the first is undefined. */
type StateChange = [State | undefined, State];

const ENDS = '';
const SWEEPS = 'all of them';

interface Entry {
  event: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

interface Thing {
  /** The ids by which the audit trail knows it. */
  targets: string[];
  first: State;
  /** Requests about it, each with the statuses that are true before or after another of them. */
  asks: [() => Promise<ModelAnswer>, number[]][];
  /** The state at the end; of a code, by the answers. */
  last(answers: ModelAnswer[]): Promise<State>;
  /** The events that change it, each with the field that tells the state; ENDS where it ends, SWEEPS where it ends if it is there. */
  events: Record<string, string>;
}

const find = async (stage: Stage, path: string, field: string): Promise<State> => {
  const { status, body } = await stage.send(stage.chief, `GET ${path}`);
  return status === 200 ? String(JSON.parse(body)[field]) : null;
};

/** @returns whether one of the chief's own things is in that list. */
const listed = async (stage: Stage, by: Person, path: string, id: string): Promise<State> => {
  const { items }: { items?: { id: string }[] } = JSON.parse((await stage.send(by, `GET ${path}`)).body);
  return items?.some((each) => each.id === id) ? 'there' : null;
};

/** The things that two requests meet at. */
export const THINGS: Record<string, (stage: Stage) => Promise<Thing>> = possible({
  async member(stage) {
    const { chief } = stage;
    const target = await stage.target();
    const group = await stage.group([], [[target, 'member']]);
    return {
      targets: [target],
      first: 'member',
      asks: [
        [() => stage.put(chief, group, target, 'manager'), [200]],
        [() => stage.remove(chief, group, target), [204, 404]],
        [() => stage.put(chief, group, target, 'member'), [200]],
      ],
      async last() {
        const { groups } = await stage.service.operator.state();
        const { members = [] } = groups.find(({ id }) => id === group) ?? {};
        return members.find(([id]) => id === target)?.[1] ?? null;
      },
      events: { 'membership-set': 'role', 'membership-removed': 'role' },
    };
  },

  async user(stage) {
    const { chief } = stage;
    const target = await stage.target();
    const path = `/api/users/${target}`;
    const first = await find(stage, path, 'username');
    return {
      targets: [target],
      first,
      asks: [
        [() => stage.send(chief, `PATCH ${path}`, { username: `${first}-a` }), [200, 404]],
        [() => stage.send(chief, `DELETE ${path}`), [204, 404]],
        [() => stage.send(chief, `PATCH ${path}`, { username: `${first}-b` }), [200, 404]],
      ],
      last: () => find(stage, path, 'username'),
      events: { 'user-changed': 'username', 'user-deleted': 'username' },
    };
  },

  async group(stage) {
    const { chief } = stage;
    const target = await stage.group([]);
    const path = `/api/groups/${target}`;
    const first = await find(stage, path, 'name');
    return {
      targets: [target],
      first,
      asks: [
        [() => stage.send(chief, `PATCH ${path}`, { name: `${first}-a` }), [200, 404]],
        [() => stage.send(chief, `DELETE ${path}`), [204, 404]],
        [() => stage.send(chief, `PATCH ${path}`, { name: `${first}-b` }), [200, 404]],
      ],
      last: () => find(stage, path, 'name'),
      events: { 'group-changed': 'name', 'group-deleted': 'name' },
    };
  },

  async token(stage) {
    const owner = await stage.person();
    const { id, secret } = await stage.token(owner, []);
    const end = () => stage.send(owner, `DELETE /api/tokens/${id}`);
    return {
      targets: [id],
      first: 'there',
      asks: [
        [end, [204, 404]],
        [end, [204, 404]],
        [() => stage.send(secret, 'GET /api/sign'), [200, 401]],
      ],
      last: () => listed(stage, owner, '/api/tokens', id),
      events: { 'token-ended': ENDS },
    };
  },

  async session(stage) {
    const { chief } = stage;
    const person = await stage.person();
    const id = JSON.parse((await stage.send(person, 'GET /api/sign')).body).session.id;
    const own = () => stage.send(person, `DELETE /api/sessions/${id}`);
    return {
      targets: [id, person.id],
      first: 'there',
      asks: [
        [own, [204, 401, 404]],
        [() => stage.send(chief, `DELETE /api/users/${person.id}/sessions`), [204]],
        [() => stage.send(person, 'POST /api/sign/out'), [204]],
      ],
      last: () => listed(stage, chief, `/api/users/${person.id}/sessions?limit=100`, id),
      events: { 'session-ended': ENDS, 'signed-out': ENDS, 'sessions-ended': SWEEPS },
    };
  },

  async code(stage) {
    const { chief } = stage;
    const target = await stage.target();
    const issue = () => stage.send(chief, `POST /api/users/${target}/reset`);
    const { body } = await issue();
    const use = () =>
      stage.send(null, 'POST /api/sign/reset', { code: JSON.parse(body).code, password: 'another password' });
    return {
      targets: [target],
      first: 'there',
      asks: [
        [use, [204, 400]],
        [issue, [201]],
        [use, [204, 400]],
      ],
      async last(answers) {
        const used = answers.some(({ status }) => status === 204);
        const issued = answers.filter(({ status }) => status === 201);
        if ((await use()).status === 204) return 'works, used or replaced or never';
        let working = 0;
        for (const answer of issued) if ((await stage.useCodeOf(answer)) === 204) working++;
        if (issued.length > 0 && working !== 1) return `${working} of the codes that took its place work`;
        return used ? null : 'there';
      },
      events: { 'password-reset': ENDS },
    };
  },
});

/** @returns whether the changes, in some order, lead from one state to the other. */
function leadsTo(first: State, changes: StateChange[], last: State): boolean {
  if (changes.length === 0) return first === last;
  return changes.some(
    ([before = first, after], index) => before === first && leadsTo(after, changes.toSpliced(index, 1), last),
  );
}

/** @returns the changes of state that the audit trail tells of. */
async function changesOf(stage: Stage, { targets, events }: Thing): Promise<StateChange[]> {
  const pages = await Promise.all(
    targets.map((target) => stage.send(stage.chief, `GET /api/audit?target=${target}&limit=100`)),
  );
  const items = pages.flatMap(({ body }): Entry[] => JSON.parse(body).items);
  return items.flatMap(({ event, before, after }): StateChange[] => {
    const field = events[event];
    if (field === undefined) return [];
    const state = (fields: Entry['before']) => (fields?.[field] == null ? null : String(fields[field]));
    if (field === ENDS) return [['there', null]];
    if (field === SWEEPS) return [[undefined, null]];
    const [from, to] = [state(before), state(after)];
    return from === to ? [] : [[from, to]];
  });
}

/** Runs so many rounds of two requests about the same thing of that kind. @returns the faults. */
export async function runSame(service: ModelService, kind: string, rounds: number): Promise<string[]> {
  const make = THINGS[kind];
  if (!make) throw new Error(`There is no kind called ${kind}.`);
  const stage = await Stage.empty(service);
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    // As in runRace.
    await service.operator.forgetAttempts();
    const thing = await make(stage);
    const pick = (index: number) => thing.asks[index % thing.asks.length] ?? [async () => never(), []];
    // Each request meets each other, and after three rounds itself.
    const pair = [pick(round), pick(round + 1 + (Math.floor(round / 3) % 3))] as const;
    const answers = await togetherIn(round % 12)(pair[0][0], pair[1][0]);
    const [changes, last] = [await changesOf(stage, thing), await thing.last(answers)];
    const found = wrongs({
      [`the answers were ${answers.map(({ status, body }) => `${status} ${body}`)}`]: answers.some(
        ({ status }, index) => !pair[index]?.[1].includes(status),
      ),
      [`the audit trail tells ${JSON.stringify(changes)}, but it was ${thing.first} and is ${last}`]:
        !leadsTo(thing.first, changes, last),
    });
    wrong.push(...found.map((what) => `round ${round}: ${what}`));
  }
  return wrong;
}

function never(): never {
  throw new Error('There is no such request.');
}
