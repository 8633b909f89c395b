/**
 * A change on one node of a Galera cluster that has read and written, and another one by another node that is carried out before the
 * first commits. Either both wrote a row, and the first is decided anew; or the outcome must be right as if the first had come first.
 */
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import type { App } from '../../../app.ts';
import { loadSettings } from '../../../config/load.ts';
import { openEngine } from '../../../db/database.ts';
import { PreparedStep, type Step } from '../../../db/engines/engine.ts';
import { INTERLEAVINGS } from '../../support/interleavings.ts';
import { CODES, LAST } from '../../support/interleavings-codes.ts';
import { SESSIONS } from '../../support/interleavings-sessions.ts';
import { startInProcess } from '../../support/model-services.ts';
import { onCluster } from '../../support/on-cluster.ts';
import { until } from '../../support/running.ts';
import { Stage } from '../../support/stage.ts';
import { databaseName } from '../../support/test-server.ts';

/**
 * The first change is made as if it had come first, and its status then. Nothing of it is left that the other one would have cleaned up:
 * a code does nothing while its issuer may not issue it.
 */
const AS_IF_FIRST: Record<string, number> = {
  'A token that ends meanwhile can not create a user': 201,
  'A caller who loses a permission meanwhile can not create a group with it': 201,
  'A code does not work when its issuer loses users:write meanwhile': 204,
  'A code by a token does not work when the token ends meanwhile': 204,
};

/** What rules have decided ends with its entry in the audit trail; other transactions only note, count or check something. */
function isChange(steps: Step[]): boolean {
  const last = steps.at(-1);
  return (
    steps.length > 1 && last instanceof PreparedStep && /^insert into `audit`/.test(String(last.statement))
  );
}

onCluster('Between the writing and the commit of a change on a cluster', async (t, cluster) => {
  const databaseUrl = await cluster.engine.makeDatabase(t);
  const { one, other, apps } = await startInProcess(t, {
    ...cluster.engine,
    makeDatabase: async () => databaseUrl,
  });
  const environment = { DATABASE_URL: databaseUrl };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
  t.teardown(() => engine.close());
  // The first node applies what comes behind a row of this table only after a pause. The trigger is on that node only.
  await cluster.nodes[2].query(`CREATE TABLE ${databaseName(databaseUrl)}.slow (id char(36) PRIMARY KEY)`);
  const holder = await mysql.createConnection(databaseUrl);
  t.teardown(() => holder.destroy());
  await cluster.nodes[0].query("SET GLOBAL slave_run_triggers_for_rbr = 'YES'");
  await holder.query('SET SESSION wsrep_on = OFF');
  await holder.query('CREATE TRIGGER pause BEFORE INSERT ON slow FOR EACH ROW DO SLEEP(1)');
  const wait = { sql: "select get_lock('commit', 30), release_lock('commit')", params: [] };
  const hold = engine.condition({ toSQL: () => wait }, 'some');

  /** Carries that out when the app is first about to commit what a rule has decided. @returns whether it came to that. */
  function beforeCommit(t: Test, { db }: App, act: () => Promise<unknown>): () => boolean {
    const { atomically } = db;
    let hasActed = false;
    t.intercept(db, 'atomically', {
      value: async (steps: Parameters<typeof atomically>[0]) => {
        if (hasActed || !isChange(steps)) return atomically(steps);
        hasActed = true;
        await holder.query("SELECT GET_LOCK('commit', 0)");
        const missed = atomically([...steps, hold({})]);
        await Promise.race([
          until('the change is held', async () => {
            return (
              (await cluster.nodes[0].connections(databaseUrl, 'select get_lock')).length > 0 || undefined
            );
          }),
          missed.catch(() => {}),
        ]);
        await cluster.nodes[2].query(`INSERT INTO ${databaseName(databaseUrl)}.slow VALUES (UUID())`);
        await act();
        await holder.query("SELECT RELEASE_LOCK('commit')");
        return missed;
      },
    });
    return () => hasActed;
  }

  for (const [name, make] of Object.entries({ ...INTERLEAVINGS, ...SESSIONS, ...CODES, ...LAST })) {
    const first = AS_IF_FIRST[name];
    await t.test(first ? `As if it had come first: ${name}` : name, async (t) => {
      const stage = await Stage.empty(one);
      const { request, meanwhile, status, afterwards, amidReading } = await make(stage);
      if (amidReading) return;
      const elsewhere = stage.through(other);
      const came = beforeCommit(t, apps[0], async () => {
        const answer = await meanwhile(elsewhere);
        t.ok(answer.status < 300, `the other request is carried out: ${answer.status} ${answer.body}`);
      });
      const answer = await request(stage);
      t.ok(came(), 'the other request came between');
      t.equal(answer.status, first ?? status, answer.body);
      if (afterwards) t.ok(await afterwards(elsewhere, answer), 'and so it is in the database');
      t.ok(await stage.hasAdministrator(), 'a user who can sign in holds *');
    });
  }
});
