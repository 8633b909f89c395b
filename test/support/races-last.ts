/** Races (see races.ts) between the last two administrators: one of them must remain. */
import type { ModelService } from './model-run.ts';
import type { ModelAnswer } from './model-steps.ts';
import { togetherIn, wrongs } from './races.ts';
import { type Person, Stage } from './stage.ts';

/** One of two administrators, each through their own group. */
interface Rival {
  person: Person;
  group: string;
}

/** Requests that would remove both administrators if both succeeded. */
export const FALLS: Record<string, (stage: Stage, own: Rival, other: Rival) => Promise<ModelAnswer>> = {
  leave: (stage, { person, group }) => stage.remove(person, group, person.id),
  'remove each other': (stage, { person }, other) => stage.remove(person, other.group, other.person.id),
  'disable each other': (stage, { person }, other) => stage.disable(person, other.person.id),
  'delete each other': (stage, { person }, other) =>
    stage.send(person, `DELETE /api/users/${other.person.id}`),
  'take * from their groups': (stage, { person, group }) => stage.carry(person, group, []),
  'remove their groups': (stage, { person, group }) => stage.send(person, `DELETE /api/groups/${group}`),
};

/** Runs so many rounds in which both administrators would be removed in that way. @returns the faults. */
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
    // The user who is removed first is refused because they have no permission or do not exist any more.
    const allowed = way.endsWith('each other') ? [401, 403, 409] : [409];
    const found = wrongs({
      [`the answers were ${statuses}`]: !(Number(statuses[0]) < 300 && allowed.includes(Number(statuses[1]))),
      'no user who can sign in holds *': !(await stage.hasAdministrator()),
    });
    wrong.push(...found.map((what) => `round ${round}: ${what}`));
  }
  return wrong;
}
