/** The log must not contain credentials, even when a blueprint logs a whole request. */
import { onEachEngine } from './support/engines.ts';
import { makeLog } from './support/log.ts';
import { quickHashing, startService } from './support/service.ts';

onEachEngine('A logged request contains no credentials', async (t, engine) => {
  for (const level of ['info', 'debug'] as const) {
    await t.test(`A logged request contains no cookie at LOG_LEVEL=${level}`, async (t) => {
      const captured = makeLog();
      const settings = { LOG_LEVEL: level };
      const { app } = await startService(t, engine, {
        hashing: quickHashing,
        log: captured.log,
        settings,
      });
      app.addRequestLoader('logging', (request) => {
        request.log.info({ req: request }, 'loader called');
        return undefined;
      });
      const response = await app.inject({ url: '/api/users', headers: { cookie: 'rollcall=the-secret' } });
      t.equal(response.statusCode, 401);
      const line = captured.lines.find((each) => each.includes('loader called')) ?? '{}';
      const { requestId } = response.json();
      t.match(JSON.parse(line), { req: { method: 'GET', url: '/api/users' }, requestId });
      t.notMatch(captured.lines.join(''), /the-secret/);
    });
  }
});
