/** What the log says of a request must not let anybody in, whatever a blueprint hands it. */
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
