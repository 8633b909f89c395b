/**
 * The metrics of one process, and what the primary adds. Those of a service with workers are in test/cluster/metrics.test.ts. Clients
 * choose paths and methods, and must not fill the memory of Prometheus with them.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import type { App } from '../../app.ts';
import { ServiceMetrics } from '../../cluster/metrics.ts';
import { readDatabaseMetrics } from '../../cluster/metrics-database.ts';
import { keepUntilRestart } from '../../cluster/reloaded-settings.ts';
import { loadSettings, type Settings } from '../../config/load.ts';
import { Health } from '../../db/health.ts';
import { onEachEngine } from '../support/engines.ts';
import { openServing } from '../support/files.ts';
import { makeLog } from '../support/log.ts';
import { namesIn, namesMentioned, samplesOf, sumOf } from '../support/metrics.ts';
import { PROJECT } from '../support/processes.ts';
import { until } from '../support/running.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

const DURATION = 'rollcall_http_request_duration_seconds';
const readProject = (path: string) => readFileSync(join(PROJECT, path), 'utf8');
const METRICS = { METRICS_PORT: 0 };

const textOf = async (app: App) => (await app.metrics?.metrics()) ?? '';

onEachEngine('Requests are counted by route, method and class of status', async (t, engine) => {
  const { app } = await startService(t, engine, { settings: METRICS, hashing: quickHashing });
  const id = await makeUser(app, 'ann');
  const ann = await signedIn(app, 'ann');
  const count = async (labels: Record<string, string>) =>
    sumOf(await textOf(app), `${DURATION}_count`, labels);

  for (const url of [`/api/users/${id}`, `/api/users/${id}?x=1`, '/api/users/nobody', '/nope', '/livez'])
    await ann.request('GET', url);
  t.equal(await count({ method: 'GET', route: '/api/users/:id', status: '2xx' }), 1);
  t.equal(await count({ method: 'GET', route: '/api/users/:id', status: '4xx' }), 2);
  t.equal(await count({ method: 'GET', route: 'unknown', status: '4xx' }), 1);
  const took = sumOf(await textOf(app), `${DURATION}_sum`, { route: '/api/users/:id' }) ?? 0;
  t.ok(took > 0 && took < 10, `${took} seconds`);

  await t.test('What clients choose makes no further series', async (t) => {
    const url = await app.listen({ port: 0 });
    const before = samplesOf(await textOf(app)).length;
    const send = async (method: string, path: string) => (await fetch(url + path, { method })).text();
    for (let index = 0; index < 20; index++) {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND', 'SEARCH', 'COPY'])
        await send(method, `/odd-${method}/${index}?q=${index}`);
      await send('GET', `/api/users/${index}`);
      await send('PURGE', '/api/users');
    }
    await send('GET', '/%zz');
    await send('GET', `/api/users/${'x'.repeat(500)}`);
    const text = await textOf(app);
    const series = samplesOf(text).filter(({ name }) => name === `${DURATION}_count`);
    const values = (label: string) => new Set(series.map(({ labels }) => labels[label]));
    t.same(values('route'), new Set(['/api/sign/in', '/api/users/:id', '/livez', 'unknown']));
    t.same(values('method'), new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'other']));
    // Each of these five has ten: eight buckets, the sum and the count.
    t.ok(samplesOf(text).length - before < 60, `${samplesOf(text).length - before} more`);
  });
});

onEachEngine('Connections to MySQL are counted, those that wait for one as well', async (t, engine) => {
  const { app } = await startService(t, engine, { settings: { ...METRICS, POOL_SIZE: 1, WORKERS: 1 } });
  const value = async (name: string) => sumOf(await textOf(app), `rollcall_database_${name}`);
  const reads = [app.db.users.exist(), app.db.users.exist()];
  const isMysql = engine.name === 'MySQL';
  t.equal(await value('connections_used'), isMysql ? 1 : undefined);
  t.equal(await value('requests_waiting'), isMysql ? 1 : undefined);
  await Promise.all(reads);
  t.equal(await value('connections_used'), isMysql ? 0 : undefined);
  t.equal(await value('connections_idle'), isMysql ? 1 : undefined);
});

onEachEngine('Sign-ins are counted by their result', async (t, engine) => {
  const { app } = await startService(t, engine, { settings: METRICS, hashing: quickHashing });
  await makeUser(app, 'ann');
  const signIn = (password: string) => new Client(app).signIn('ann', password);
  await signIn(PASSWORD);
  for (let attempt = 0; attempt < 6; attempt++) await signIn('wrong');
  await app.inject({ method: 'POST', url: '/api/sign/in', payload: {} });
  await app.inject('/api/sign/in');
  const results = samplesOf(await textOf(app)).filter(({ name }) => name === 'rollcall_sign_ins_total');
  t.same(Object.fromEntries(results.map(({ labels, value }) => [labels.result, value])), {
    'signed-in': 1,
    wrong: 5,
    throttled: 1,
    unavailable: 0,
    invalid: 1,
  });
});

onEachEngine('Passwords are counted while they are hashed, wait or are refused', async (t, engine) => {
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  const hashing = { ...quickHashing, verify: () => opened };
  const { app } = await startService(t, engine, { settings: { ...METRICS, WORKERS: 1 }, hashing });
  const answers = Array.from({ length: 60 }, () => new Client(app).signIn('ann'));
  t.equal((await Promise.race(answers)).statusCode, 503);
  const value = async (name: string) => sumOf(await textOf(app), `rollcall_password_${name}`) ?? Number.NaN;
  t.ok((await value('requests_waiting')) > 0);
  t.ok((await value('requests_refused_total')) > 0);
  await until('a password is hashed', async () => (await value('hashes_running')) > 0 || undefined);
  open(false);
  await Promise.all(answers);
  t.equal(await value('requests_waiting'), 0);
});

/** @returns the metrics of a service without workers. @param tryWrite tries whether the database can be written. */
async function serveMetrics(t: Test, { db }: App, settings: Settings, tryWrite = async () => {}) {
  const metrics = await ServiceMetrics.listen(settings);
  t.teardown(() => metrics.stop());
  const health = new Health({ schemaIsCurrent: db.schemaIsCurrent, tryWrite }, makeLog().log, () => {});
  t.teardown(() => health.end());
  const { engine } = await openServing(t, settings.DATABASE_URL);
  const primary = { workers: [], restarts: 0, reloads: { succeeded: 0, failed: 0 } };
  metrics.observe(primary, await readDatabaseMetrics(engine, health));
  return metrics;
}

onEachEngine(
  'The maintainer tells how many sessions live and what migrations the database lacks',
  async (t, engine) => {
    const { app, settings } = await startService(t, engine, { settings: METRICS, hashing: quickHashing });
    await makeUser(app, 'ann');
    await signedIn(app, 'ann');
    await signedIn(app, 'ann');
    let isBroken = false;
    const tryWrite = async () => {
      if (isBroken) throw new Error('broken');
    };
    const metrics = await serveMetrics(t, app, settings, tryWrite);
    const answer = await fetch(metrics.url);
    const text = await answer.text();
    t.equal(sumOf(text, 'rollcall_sessions'), 2);
    t.equal(sumOf(text, 'rollcall_migrations_pending'), 0);

    await t.test('It tells that the database can be read, but no longer written', async (t) => {
      const up = async (operation: string) =>
        sumOf(await (await fetch(metrics.url)).text(), 'rollcall_database_up', { operation });
      t.same([await up('read'), await up('write')], [1, 1]);
      isBroken = true;
      await until('a write was tried', async () => (await up('write')) === 0 || undefined);
      t.equal(await up('read'), 1);
    });

    await t.test('Only GET /metrics is answered', async (t) => {
      t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
      t.equal((await fetch(metrics.url, { method: 'POST' })).status, 405);
      t.equal((await fetch(new URL('/', metrics.url))).status, 404);
      t.equal((await fetch(new URL('/metrics/x', metrics.url))).status, 404);
    });

    await t.test('An address in use is refused with its settings', async (t) => {
      const METRICS_PORT = Number(new URL(metrics.url).port);
      await t.rejects(
        ServiceMetrics.listen({ ...settings, METRICS_PORT }),
        new RegExp(`METRICS_HOST is 127\\.0\\.0\\.1 and METRICS_PORT is ${METRICS_PORT}, but .*in use`),
      );
    });
  },
);

onEachEngine(
  'Dashboard and alarms ask for metrics that there are, and the page lists all',
  async (t, engine) => {
    const { app, settings } = await startService(t, engine, { settings: METRICS, hashing: quickHashing });
    const metrics = await serveMetrics(t, app, settings);
    const texts = [await textOf(app), await (await fetch(metrics.url)).text()];
    const names = new Set(texts.flatMap(namesIn));
    const table = (readProject('docs/operations.md').match(/^\| `.*/gm) ?? []).join('\n');
    t.same([...namesMentioned(table)].toSorted(), [...names].toSorted());
    for (const file of ['deploy/grafana-dashboard.json', 'deploy/prometheus-alerts.yml']) {
      const mentioned = [...namesMentioned(readProject(file))];
      t.ok(mentioned.length > 8, `${file} mentions ${mentioned}`);
      t.same(
        mentioned.filter((name) => !names.has(name)),
        [],
        file,
      );
    }
  },
);

test('Silent connections to the metrics end, and do not keep Prometheus out for long', async (t) => {
  const metrics = await ServiceMetrics.listen(
    loadSettings({ root: PROJECT, environment: { METRICS_PORT: '0' } }),
  );
  t.teardown(() => metrics.stop());
  const port = Number(new URL(metrics.url).port);
  const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
  const received = await Promise.all(sockets.map((socket) => text(socket).catch(() => '')));
  const told = received.filter((answer) => answer.startsWith('HTTP/1.1 408 '));
  t.equal(told.length, 16, 'the others were too many');
  t.equal((await fetch(metrics.url)).status, 200);
});

test('A reload leaves the address of the metrics as it was, and says that a change needs a restart', async (t) => {
  const load = (environment: Record<string, string>) => loadSettings({ root: PROJECT, environment });
  const without = load({});
  const at9464 = load({ METRICS_PORT: '9464', METRICS_HOST: '::1' });
  const change = keepUntilRestart(at9464, without);
  t.same(change.needRestart, ['METRICS_HOST', 'METRICS_PORT']);
  t.same(change.settings, without);
  t.match(keepUntilRestart(without, at9464), { settings: at9464, needRestart: change.needRestart });
});

test('Each alarm has its heading in the page about operations', async (t) => {
  const alarms = readProject('deploy/prometheus-alerts.yml');
  const names = [...alarms.matchAll(/alert: (\w+)$/gm)].map(([, name = '']) => name);
  t.ok(names.length > 8);
  const links = [...alarms.matchAll(/runbook_url: docs\/operations\.md#(\w+)$/gm)].map(([, link]) => link);
  t.same(
    links,
    names.map((name) => name.toLowerCase()),
  );
  const headings = [...readProject('docs/operations.md').matchAll(/^#### (Rollcall\w+)$/gm)];
  t.same(
    headings.map(([, name]) => name),
    names,
  );
});
