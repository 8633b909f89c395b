/** Starts the services for the test of the model: two instances in the process of the test, or a server with two workers. */
import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { makeSecret } from '../../accounts/secrets.ts';
import type { App } from '../../app.ts';
import { makeSecret as makeKey } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from './api.ts';
import type { TestEngine } from './engines.ts';
import { startTwo } from './meeting.ts';
import { openOperator } from './model-database.ts';
import type { ModelService } from './model-run.ts';
import type { ModelRequest } from './model-steps.ts';
import { startServer } from './processes.ts';
import { Client, quickHashing, startService } from './service.ts';

const newCode = () => makeSecret('rcc_');

/** Starts two instances in this process on one database, with quick hashing. @returns each of them, and one that alternates. */
export async function startInProcess(t: Test, engine: TestEngine) {
  const { apps, databaseUrl } = await startTwoOn(t, engine);
  const operator = await openOperator(t, databaseUrl);
  const takesCode = await codeTrier(t, engine, databaseUrl);
  const { hash } = quickHashing;
  const through = (app: App): ModelService => ({
    name: engine.name,
    operator,
    async send({ method, path, caller, body }) {
      const client = new Client(app);
      client.cookie = caller.cookie ?? undefined;
      const headers: Record<string, string> = caller.bearer
        ? { authorization: `Bearer ${caller.bearer}` }
        : {};
      const response = await client.request(method, path, body, headers);
      const cookie = client.cookie === (caller.cookie ?? undefined) ? '' : (client.cookie ?? '');
      return { status: response.statusCode, body: response.payload, cookie };
    },
    takesCode,
    hash,
    newCode,
  });
  const [one, other] = [through(apps[0]), through(apps[1])];
  let turn = 0;
  const service = { ...one, send: (request: ModelRequest) => (turn++ % 2 === 0 ? one : other).send(request) };
  return { service, one, other, apps };
}

async function startTwoOn(t: Test, engine: TestEngine) {
  const databaseUrl = await engine.makeDatabase(t);
  const apps = await startTwo(t, { ...engine, makeDatabase: async () => databaseUrl });
  return { apps, databaseUrl };
}

/** Starts a server with two workers, as `npm start` does. */
export async function startProcesses(t: Test, engine: TestEngine): Promise<ModelService> {
  const databaseUrl = await engine.makeDatabase(t);
  await makeDatabaseWith(databaseUrl, `operator-${randomBytes(3).toString('hex')}`);
  const operator = await openOperator(t, databaseUrl);
  await operator.empty();
  const environment = { DATABASE_URL: databaseUrl, SECRET_KEY: makeKey(), WORKERS: '2', LOG_LEVEL: 'warn' };
  const server = await startServer(t, { environment });
  const { hash, end } = await makeHashing();
  t.teardown(end);
  return {
    name: engine.name,
    operator,
    async send({ method, path, caller: { cookie, bearer }, body }) {
      const caller = new Caller();
      caller.cookie = cookie ?? '';
      caller.authorization = bearer ? `Bearer ${bearer}` : '';
      const response = await caller.request(server.url, path, { method, ...(body ? { body } : {}) });
      const set = caller.cookie === (cookie ?? '') ? '' : caller.cookie;
      return { status: response.status, body: await response.text(), cookie: set };
    },
    takesCode: await codeTrier(t, engine, databaseUrl),
    hash,
    newCode,
  };
}

class TakenBackError extends Error {}

/** @returns a function that tells whether a code works. It uses the code on a separate instance, which rolls back its writes. */
async function codeTrier(
  t: Test,
  engine: TestEngine,
  databaseUrl: string,
): Promise<ModelService['takesCode']> {
  const { app } = await startService(t, engine, { databaseUrl, hashing: quickHashing });
  const { atomically } = app.db;
  t.intercept(app.db, 'atomically', {
    value: async (steps: Parameters<typeof atomically>[0]) => {
      // The count of codes that did not work.
      if (steps.length === 1) return undefined;
      const never = app.db.users.isActive('no such user');
      const missed = await atomically([...steps, never]);
      if (missed === never) throw new TakenBackError();
      return missed;
    },
  });
  return async (code) => {
    const body = { code, password: 'a password to try with' };
    const { statusCode } = await new Client(app).request('POST', '/api/sign/reset', body);
    if (statusCode !== 400 && statusCode !== 500)
      throw new Error(`a code that was tried was answered ${statusCode}, not 204 or 400`);
    return statusCode === 500;
  };
}
