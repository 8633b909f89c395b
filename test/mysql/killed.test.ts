/**
 * A database server that is killed takes connections, statements and transactions with it, at any point of theirs. Who
 * was told that something was written must find it afterwards, once; and the service must come back by itself.
 */
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { databaseName, onOwnServer } from '../support/own-server.ts';
import { until } from '../support/processes.ts';
import { type Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const POOL_SIZE = 6;
const CLIENTS = 18;
/** How long the server is away: less than what the service waits for it, and more. */
const ABSENCES = { 'for a moment': 0, 'for longer than a request waits': 7_000 };

interface Unavailable {
  retryAfter: unknown;
  detail: string;
}

/** One client's requests, and what it was told of them. */
class Witness {
  readonly acknowledged: string[] = [];
  readonly uncertain: string[] = [];
  readonly unavailable: Unavailable[] = [];
  readonly others: number[] = [];
  raised = 0;
  perhapsRaised = 0;
  readonly id: string;
  readonly #client: Client;
  constructor(id: string, client: Client) {
    this.id = id;
    this.#client = client;
  }

  async makeOne(): Promise<void> {
    const username = `u${randomUUIDv7()}`;
    const password = 'none that matters';
    const status = await this.#send('POST', '/api/users', { username, password });
    (status === 201 ? this.acknowledged : this.uncertain).push(username);
  }

  async raiseVersion(): Promise<void> {
    const status = await this.#send('PATCH', `/api/users/${this.id}`, { name: randomUUIDv7() });
    if (status === 200) this.raised++;
    else this.perhapsRaised++;
  }

  async #send(method: 'POST' | 'PATCH', url: string, body: object): Promise<number> {
    const response = await this.#client.request(method, url, body);
    const { statusCode } = response;
    if (statusCode === 503) {
      this.unavailable.push({
        retryAfter: response.headers['retry-after'],
        detail: response.json().detail,
      });
    } else if (statusCode >= 300) this.others.push(statusCode);
    return statusCode;
  }
}

onOwnServer('a server that is killed under load and started again', ['--skip-log-bin'], async (t, server) => {
  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
    hashing: quickHashing,
  });
  const adminId = await makeUser(app, 'admin', { admin: true });
  const witnesses: Witness[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    witnesses.push(new Witness(await makeUser(app, `client-${n}`), await signedIn(app, 'admin')));
  }
  const all = <Value>(pick: (witness: Witness) => Value[]) => witnesses.flatMap(pick);
  const successes = () => witnesses.map(({ acknowledged, raised }) => acknowledged.length + raised);

  for (const [howLong, absence] of Object.entries(ABSENCES)) {
    await t.test(`${howLong}: the service comes back by itself`, async (t) => {
      let stopped = false;
      const load = Promise.all(
        witnesses.map(async (witness) => {
          while (!stopped) {
            await witness.makeOne();
            await witness.raiseVersion();
          }
        }),
      );
      const begin = successes();
      const progress = (since: number[], by: number) => () =>
        successes().every((count, n) => count >= (since[n] ?? 0) + by) || undefined;
      await until('writes of every client', progress(begin, 5));

      await server.kill('SIGKILL');
      const refused = all(({ unavailable }) => unavailable).length;
      if (absence > 0) {
        await delay(absence);
        t.ok(all(({ unavailable }) => unavailable).length >= refused + CLIENTS, 'meanwhile it says so');
      }
      await server.start();
      await until('writes of every client again', progress(successes(), 5));
      stopped = true;
      await load;
      t.strictSame(
        all(({ others }) => others),
        [],
        'and nobody gets any other error',
      );
    });
  }

  await t.test('is told as 503 with Retry-After, and cautiously where the outcome is unknown', async (t) => {
    const told = all(({ unavailable }) => unavailable);
    t.ok(told.length > 0);
    t.strictSame(
      told.filter(({ retryAfter }) => retryAfter !== '1'),
      [],
    );
  });

  await t.test('loses no write that was acknowledged, and repeats none', async (t) => {
    const rows = await server.query(`SELECT username FROM ${databaseName(databaseUrl)}.users`);
    const there = new Set(rows.map(({ username }) => String(username)));
    t.equal(there.size, rows.length);
    const missing = all(({ acknowledged }) => acknowledged).filter((username) => !there.has(username));
    t.strictSame(missing, [], `of ${all(({ acknowledged }) => acknowledged).length} users`);
    for (const { id, raised, perhapsRaised } of witnesses) {
      const times = ((await app.db.users.find(id))?.version ?? 0) - 1;
      if (times >= raised && times <= raised + perhapsRaised) continue;
      t.fail(`${raised} changes acknowledged and ${perhapsRaised} not, but ${times} made`);
    }
  });

  await t.test('leaves no dead connection in the pool, and takes no place in it', async (t) => {
    t.equal(await server.useAll(app, databaseUrl, adminId, POOL_SIZE), POOL_SIZE);
    t.ok(await server.hasAtMost(POOL_SIZE, databaseUrl));
  });
});
