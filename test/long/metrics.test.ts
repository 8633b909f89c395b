/** What Prometheus's own tool says of our metrics and alarms. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from '../support/api.ts';
import { onEachEngine } from '../support/engines.ts';
import { metricsUrl } from '../support/metrics.ts';
import { makeFolder, PROJECT, startServer } from '../support/processes.ts';

const PROMTOOL = '/usr/bin/promtool';

/** Says so when promtool is not there; with REQUIRE_PROMTOOL=1 that is a failure. */
function isSkipped(t: Test): boolean {
  if (existsSync(PROMTOOL)) return false;
  t.comment(`Skipped, because there is no ${PROMTOOL}: Debian's package prometheus has it`);
  t.not(process.env.REQUIRE_PROMTOOL, '1', 'REQUIRE_PROMTOOL=1 is set, so these tests must not be skipped');
  return true;
}

/** Runs promtool and requires that it has nothing to say against it. */
function check(t: Test, args: string[], input = ''): void {
  const { status, stdout, stderr, error } = spawnSync(PROMTOOL, args, {
    cwd: PROJECT,
    encoding: 'utf8',
    input,
  });
  t.equal(error, undefined);
  t.equal(status, 0, `${stdout}${stderr}`);
  t.equal(stderr, '');
}

onEachEngine(
  'promtool finds nothing wrong with the metrics of a busy service',
  async (t, { makeDatabase }) => {
    if (isSkipped(t)) return;
    const DATABASE_URL = await makeDatabase(t);
    await makeDatabaseWith(DATABASE_URL, 'ann');
    const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '2', METRICS_PORT: '0' };
    const server = await startServer(t, { environment });
    const ann = new Caller();
    t.equal(await ann.signIn(server.url, 'ann'), 200);
    for (const path of ['/api/users', '/api/groups', '/nope', '/api/users/x'])
      await ann.status(server.url, path);
    check(t, ['check', 'metrics'], await (await fetch(metricsUrl(server))).text());
    t.equal((await server.stop()).code, 0);
  },
);

test('promtool finds nothing wrong with the alarms, and each comes when its cause is there', async (t) => {
  if (isSkipped(t)) return;
  check(t, ['check', 'rules', 'deploy/prometheus-alerts.yml']);
  check(t, ['test', 'rules', 'test/long/prometheus-alerts.yml']);
});

test('promtool understands each query of the dashboard', async (t) => {
  if (isSkipped(t)) return;
  const dashboard = readFileSync(join(PROJECT, 'deploy/grafana-dashboard.json'), 'utf8');
  const { panels }: { panels: { targets?: { expr: string }[] }[] } = JSON.parse(dashboard);
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  t.ok(queries.length > 20);
  // As rules, which promtool reads; JSON is YAML. Grafana fills in its variables.
  const rules = queries.map((expr, index) => ({
    record: `query_${index}`,
    expr: expr.replaceAll('$__rate_interval', '5m'),
  }));
  const file = join(makeFolder(t), 'rules.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  check(t, ['check', 'rules', file]);
});
