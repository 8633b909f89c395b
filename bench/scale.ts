/** Measures how the cost of a request depends on the number of users, each of whom has a session. */
import type { Request } from 'autocannon';
import { type Turns, WARM_UP } from './compare.ts';
import { fill } from './database.ts';
import type { BenchEngine } from './engines.ts';
import { type Line, median } from './figures.ts';
import { cookieOf } from './people.ts';
import { settle } from './processors.ts';
import { changeUsers, listUsers, readUser, sample, signIn } from './requests.ts';
import { MeasuredServer } from './server.ts';

const FIRST = { cookie: cookieOf(0) };

/** What is asked among so many users. Each turn asks for users chosen anew. */
const REQUESTS: Record<string, (users: number) => Request[]> = {
  // Each by a user with their own session. As many at each size, since what is read again comes from the row cache.
  'one user': (users) =>
    sample(1_000, users).map((number) => readUser(users - 1 - number, { cookie: cookieOf(number) })),
  'list of 20': () => [listUsers(FIRST)],
  change: (users) => changeUsers(sample(1_000, users), FIRST),
  'sign-in': (users) => signIn(sample(1_000, users)),
};

/** The databases take turns, so that changes of the machine's speed affect all sizes alike. @param users the fewest first. */
export async function scale(
  engine: BenchEngine,
  { users: sizes, rounds, seconds }: Turns & { users: number[] },
): Promise<Line[]> {
  const places: { users: number; server: MeasuredServer }[] = [];
  for (const users of sizes) {
    const url = await engine.makeDatabase();
    await fill(url, users);
    places.push({ users, server: await MeasuredServer.start('server.ts', { DATABASE_URL: url }) });
  }
  const lines: Line[] = [];
  for (const [request, make] of Object.entries(REQUESTS)) {
    for (const { users, server } of places) await server.costOf(make(users), WARM_UP);
    const taken = places.map((place) => ({ ...place, costs: [] as number[] }));
    for (let round = 0; round < rounds; round++) {
      for (const { users, server, costs } of taken) {
        const used = () => server.cpu() + engine.cpu();
        await settle(used);
        costs.push(await server.costOf(make(users), seconds, used));
      }
    }
    for (const { users, costs } of taken) {
      const ratio = median(costs.map((cost, round) => cost / (taken[0]?.costs[round] ?? cost)));
      lines.push({ engine: engine.name, request, users, 'CPU µs': median(costs), ratio });
    }
  }
  for (const { server } of places) await server.stop();
  return lines;
}
