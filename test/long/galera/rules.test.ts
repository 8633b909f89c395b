/**
 * Two requests at the same moment by two nodes of a Galera cluster, where a lock on one node guards nothing on the other: what is
 * forbidden must not come of it. docs/operations.md says which rows guard which rule.
 */

import { startTwo } from '../../support/meeting.ts';
import { MEETINGS } from '../../support/meeting-races.ts';
import { startInProcess } from '../../support/model-services.ts';
import { onCluster } from '../../support/on-cluster.ts';
import { RACES, runRace } from '../../support/races.ts';
import { FALLS, runFall } from '../../support/races-last.ts';
import { runSame, THINGS } from '../../support/races-same.ts';
import { Client, makeUser, PASSWORD } from '../../support/service.ts';

const ROUNDS = 50;
const MOST = 3;

onCluster('Rules hold across the nodes of a cluster', async (t, cluster) => {
  const { engine } = cluster;
  for (const [name, race] of Object.entries(MEETINGS)) await t.test(name, (t) => race(t, engine));

  const { service } = await startInProcess(t, engine);
  for (const [name, race] of Object.entries(RACES))
    await t.test(name, async (t) => t.strictSame(await runRace(service, race, ROUNDS), []));
  for (const kind of Object.keys(THINGS))
    await t.test(`Two requests about the same ${kind} leave what the audit trail tells`, async (t) =>
      t.strictSame(await runSame(service, kind, ROUNDS), []),
    );
  for (const way of Object.keys(FALLS))
    await t.test(`One of the last two administrators is refused when both ${way} at once`, async (t) =>
      t.strictSame(await runFall(service, way, ROUNDS), []),
    );

  await t.test('Many sign-ins of one user at once leave no more than MAX_SESSIONS sessions', async (t) => {
    const apps = await startTwo(t, engine, { MAX_SESSIONS: MOST, TRUST_PROXY: true });
    const id = await makeUser(apps[0], 'eve');
    // From as many networks: of one, five attempts at a name may be under way.
    const signIns = Array.from({ length: 16 }, (_, index) =>
      new Client(index % 2 ? apps[1] : apps[0]).request(
        'POST',
        '/api/sign/in',
        { username: 'eve', password: PASSWORD },
        { 'x-forwarded-for': `192.0.2.${index}` },
      ),
    );
    for (const { statusCode } of await Promise.all(signIns)) t.equal(statusCode, 200);
    t.equal((await apps[0].db.sessions.page(id, '', 100, Date.now())).length, MOST);
  });
});
