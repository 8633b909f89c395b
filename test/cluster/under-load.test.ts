/** Reloads and kills while clients read, write and sign in: nothing that was acknowledged is lost (see test/support/under-load.ts). */
import { onEachEngine } from '../support/engines.ts';
import { Load } from '../support/load/index.ts';
import { assertUnharmed, killPrimary, killWorker, prepareService, reload } from '../support/under-load.ts';

onEachEngine('A service under load', async (t, engine) => {
  const { databaseUrl, environment, start } = await prepareService(t, engine, { WORKERS: '1' });
  let server = await start();
  const startLoad = () => Load.start({ urls: [server.url], databaseUrl, clients: 4, pause: 10 });

  await t.test('a reload fails no request', async (t) => {
    const load = await startLoad();
    await reload(server, load, 1);
    await assertUnharmed(t, load);
  });

  await t.test('kill -9 of a worker fails requests in flight on it, and loses nothing', async (t) => {
    const load = await startLoad();
    await load.answered(20);
    await killWorker(environment);
    await load.answered(20);
    await assertUnharmed(t, load, ['ECONNRESET']);
  });

  await t.test('kill -9 of the primary ends its workers, and the next start finds everything', async (t) => {
    const load = await startLoad();
    await load.answered(20);
    server = await killPrimary(t, server, start);
    await load.answered(20);
    await assertUnharmed(t, load, ['ECONNRESET', 'ECONNREFUSED']);
  });
});
