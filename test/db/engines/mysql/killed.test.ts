/**
 * Killing the database server interrupts connections and transactions at any point. Every acknowledged write must be
 * there exactly once afterwards, and the service must recover by itself.
 */
import { randomUUIDv7 } from 'node:crypto';
import { onOwnServer } from '../../../support/own-server.ts';
import { until } from '../../../support/running.ts';
import { type Client, makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { databaseName } from '../../../support/test-server.ts';

const POOL_SIZE = 6;
const CLIENTS = 18;
/** Whether the server stays down until requests fail, which wait a while for a connection. */
const OUTAGES = { 'a short outage': false, 'an outage longer than a request waits': true };

interface Unavailable {
  retryAfter: unknown;
  detail: string;
}

/** A client that records the answers to its writes. */
class RecordingClient {
  readonly acknowledged: string[] = [];
  readonly uncertain: string[] = [];
  readonly unavailable: Unavailable[] = [];
  readonly otherErrors: number[] = [];
  changed = 0;
  maybeChanged = 0;
  readonly id: string;
  readonly #client: Client;
  constructor(id: string, client: Client) {
    this.id = id;
    this.#client = client;
  }

  async createUser(): Promise<void> {
    const username = `u${randomUUIDv7()}`;
    const password = 'any long password';
    const status = await this.#send('POST', '/api/users', { username, password });
    (status === 201 ? this.acknowledged : this.uncertain).push(username);
  }

  async incrementVersion(): Promise<void> {
    const status = await this.#send('PATCH', `/api/users/${this.id}`, { name: randomUUIDv7() });
    if (status === 200) this.changed++;
    else this.maybeChanged++;
  }

  async #send(method: 'POST' | 'PATCH', url: string, body: object): Promise<number> {
    const response = await this.#client.request(method, url, body);
    const { statusCode } = response;
    if (statusCode === 503) {
      this.unavailable.push({
        retryAfter: response.headers['retry-after'],
        detail: response.json().detail,
      });
    } else if (statusCode >= 300) this.otherErrors.push(statusCode);
    return statusCode;
  }
}

onOwnServer('The service survives a server killed under load', ['--skip-log-bin'], async (t, server) => {
  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
    hashing: quickHashing,
  });
  const adminId = await makeUser(app, 'admin', { admin: true });
  const clients: RecordingClient[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    clients.push(new RecordingClient(await makeUser(app, `client-${n}`), await signedIn(app, 'admin')));
  }
  const all = <Value>(pick: (client: RecordingClient) => Value[]) => clients.flatMap(pick);
  const successes = () => clients.map(({ acknowledged, changed }) => acknowledged.length + changed);

  for (const [outage, isLong] of Object.entries(OUTAGES)) {
    await t.test(`The service recovers by itself after ${outage}`, async (t) => {
      let stopped = false;
      const load = Promise.all(
        clients.map(async (client) => {
          while (!stopped) {
            await client.createUser();
            await client.incrementVersion();
          }
        }),
      );
      const begin = successes();
      const progress = (since: number[], by: number) => () =>
        successes().every((count, n) => count >= (since[n] ?? 0) + by) || undefined;
      await until('every client has written', progress(begin, 5));

      await server.kill('SIGKILL');
      const refused = clients.map(({ unavailable }) => unavailable.length);
      if (isLong) {
        await until(
          'every client has got 503',
          () => clients.every(({ unavailable }, n) => unavailable.length > (refused[n] ?? 0)) || undefined,
        );
      }
      await server.start();
      await until('every client has written again', progress(successes(), 5));
      stopped = true;
      await load;
      t.strictSame(
        all(({ otherErrors }) => otherErrors),
        [],
        'no request gets an error other than 503',
      );
    });
  }

  await t.test('Every 503 during an outage has a Retry-After header of one second', async (t) => {
    const refused = all(({ unavailable }) => unavailable);
    t.ok(refused.length > 0);
    t.strictSame(
      refused.filter(({ retryAfter }) => retryAfter !== '1'),
      [],
    );
  });

  await t.test('Every acknowledged write is in the database exactly once', async (t) => {
    const rows = await server.query(`SELECT username FROM ${databaseName(databaseUrl)}.users`);
    const stored = new Set(rows.map(({ username }) => String(username)));
    t.equal(stored.size, rows.length);
    const missing = all(({ acknowledged }) => acknowledged).filter((username) => !stored.has(username));
    t.strictSame(missing, [], `of ${all(({ acknowledged }) => acknowledged).length} users`);
    for (const { id, changed, maybeChanged } of clients) {
      const times = ((await app.db.users.find(id))?.version ?? 0) - 1;
      if (times >= changed && times <= changed + maybeChanged) continue;
      t.fail(`${changed} changes acknowledged and ${maybeChanged} not, but ${times} made`);
    }
  });

  await t.test('The pool has all its connections again, and no dead one', async (t) => {
    t.equal(await server.useWholePool(app, databaseUrl, adminId, POOL_SIZE), POOL_SIZE);
    t.ok(await server.hasAtMost(POOL_SIZE, databaseUrl));
  });
});
