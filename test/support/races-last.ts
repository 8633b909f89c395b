/** Races (see races.ts) of the last two who hold every permission: one of them must stay. */
import type { ModelService } from './model-run.ts';
import type { ModelAnswer } from './model-steps.ts';
import { togetherIn, wrongs } from './races.ts';
import { type Person, Stage } from './stage.ts';

/** Two who alone hold *, each by a group of their own, and what each does at the same moment. */
interface Rival {
  person: Person;
  group: string;
}

/** What takes * from the last two, if both succeed. */
export const FALLS: Record<string, (stage: Stage, own: Rival, other: Rival) => Promise<ModelAnswer>> = {
  leave: (stage, { person, group }) => stage.remove(person, group, person.id),
  'remove each other': (stage, { person }, other) => stage.remove(person, other.group, other.person.id),
  'disable each other': (stage, { person }, other) => stage.disable(person, other.person.id),
  'delete each other': (stage, { person }, other) =>
    stage.send(person, `DELETE /api/users/${other.person.id}`),
  'take * from their groups': (stage, { person, group }) => stage.carry(person, group, []),
  'remove their groups': (stage, { person, group }) => stage.send(person, `DELETE /api/groups/${group}`),
};

/** @returns what went wrong in so many rounds in which the last two who hold * would lose it in that way. */
export async function runFall(service: ModelService, way: string, rounds: number): Promise<string[]> {
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const stage = await Stage.empty(service);
    const person = await stage.person();
    const own = { person: stage.chief, group: stage.admins };
    const other = { person, group: await stage.group(['*'], [[person.id, 'manager']]) };
    const fall = FALLS[way];
    if (!fall) throw new Error(`There is no way called ${way}.`);
    const answers = await togetherIn(round % 12)(
      () => fall(stage, own, other),
      () => fall(stage, other, own),
    );
    const statuses = answers.map(({ status }) => status).sort();
    // Who falls first is refused as one who holds nothing, or is not there, any more.
    const allowed = way.endsWith('each other') ? [401, 403, 409] : [409];
    const found = wrongs({
      [`the answers were ${statuses}`]: !(Number(statuses[0]) < 300 && allowed.includes(Number(statuses[1]))),
      'no user who can sign in holds *': !(await stage.hasAdministrator()),
    });
    wrong.push(...found.map((what) => `round ${round}: ${what}`));
  }
  return wrong;
}
