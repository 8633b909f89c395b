/** What the log says of a request must not let anybody in, whatever a blueprint hands it; and it is as the route has it. */
import Fastify from 'fastify';
import { test } from 'tap';
import requestLog from '../plugins/request-log.ts';
import { onEachEngine } from './support/engines.ts';
import { makeLog } from './support/log.ts';
import { quickHashing, startService } from './support/service.ts';

onEachEngine('a request that is logged whole', async (t, engine) => {
  for (const level of ['info', 'debug'] as const) {
    await t.test(`with LOG_LEVEL=${level}`, async (t) => {
      const written = makeLog();
      const settings = { LOG_LEVEL: level };
      const { app } = await startService(t, engine, {
        hashing: quickHashing,
        log: written.log,
        settings,
      });
      app.addRequestLoader('telling', (request) => {
        request.log.info({ req: request }, 'who is it');
        return undefined;
      });
      const response = await app.inject({ url: '/api/users', headers: { cookie: 'rollcall=the-secret' } });
      t.equal(response.statusCode, 401);
      const line = written.lines.find((each) => each.includes('who is it')) ?? '{}';
      const { requestId } = response.json();
      t.match(JSON.parse(line), { req: { method: 'GET', url: '/api/users' }, requestId });
      t.notMatch(written.lines.join(''), /the-secret/);
    });
  }
});

for (const [by, logsRequests] of [
  ['the log that is made at the first entry', false],
  ["Fastify's own", true],
] as const) {
  test(`what a route says of logging is heeded by ${by}`, async (t) => {
    const written = makeLog();
    const app = Fastify(logsRequests ? { loggerInstance: written.log } : {});
    if (!logsRequests) await app.register(requestLog, { log: written.log });
    const logSerializers = { visitor: (name: string) => name.toUpperCase() };
    app.get('/quiet', { logLevel: 'error' }, async ({ log }) => log.warn('a warning'));
    app.get('/named', { logSerializers }, async ({ log }) => log.warn({ visitor: 'ann' }, 'a visit'));
    app.get('/plain', async ({ log }) => log.warn({ visitor: 'ann' }, 'a visit'));
    for (const url of ['/quiet', '/named', '/plain']) t.equal((await app.inject(url)).statusCode, 200);
    const entries = written.lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
    t.match(entries, [{ visitor: 'ANN' }, { visitor: 'ann' }]);
    t.equal(entries.length, 2);
    await app.close();
  });
}
