/** What refused requests write is bounded by network and hour. What was left out is told by event=refusals-left-out. */
import { mock } from 'node:test';
import type { Test } from 'tap';
import { anonymous } from '../../accounts/actor.ts';
import { logRefusal, REFUSAL_PERIOD } from '../../accounts/refusals.ts';
import type { App } from '../../app.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import { until } from '../support/running.ts';
import { Client, quickHashing, startService } from '../support/service.ts';

const LIMIT = 30;

/** Starts a service, and another one on its database, which goes on after the first was stopped. */
async function startTwo(t: Test, engine: TestEngine) {
  const { log, events } = makeLog();
  const options = { hashing: quickHashing, log, settings: { TRUST_PROXY: true, LOG_LEVEL: 'info' as const } };
  const { app, settings } = await startService(t, engine, options);
  const { app: other } = await startService(t, engine, { ...options, databaseUrl: settings.DATABASE_URL });
  return { app, other, events };
}

let names = 0;

/** Signs in as one unknown user after the other. */
async function beRefused(app: App, address: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const credentials = { username: `nobody-${names++}`, password: 'wrong' };
    await new Client(app).request('POST', '/api/sign/in', credentials, { 'x-forwarded-for': address });
  }
}

/** @returns the entries of that event: how many of each address, or what `after` says. */
async function countEntries(app: App, event: 'sign-in-refused' | 'refusals-left-out') {
  const counts: Record<string, unknown> = {};
  for (const { address, after } of await app.db.audit.page({ event }, '', 'g', 1000))
    counts[address] = after?.count ?? Number(counts[address] ?? 0) + 1;
  return counts;
}

onEachEngine('Refusals of a network beyond the bound of an hour are only counted', async (t, engine) => {
  const { app, other, events } = await startTwo(t, engine);
  await beRefused(app, '192.0.2.1', LIMIT + 7);
  await beRefused(app, '192.0.2.2', LIMIT);
  await beRefused(app, '2001:db8:1:1::1', LIMIT);
  await beRefused(app, '2001:db8:1:2::2', 2);
  await beRefused(app, '2001:db8:2::1', 1);
  const written = {
    '192.0.2.1': LIMIT,
    '192.0.2.2': LIMIT,
    '2001:db8:1:1::1': LIMIT,
    '2001:db8:2::1': 1,
  };
  t.strictSame(await countEntries(app, 'sign-in-refused'), written);
  t.equal(events().length, 3 * LIMIT + 1, 'each entry is a line of the log');

  const actor = anonymous(
    { address: '192.0.2.1', userAgent: '', requestId: '' },
    { log: app.log, refusals: app.refusals },
  );
  const lines = events().length;
  for (let time = 0; time < LIMIT + 2; time++)
    logRefusal(actor, { event: 'test' }, 'a refusal that only the log has');
  logRefusal({ ...actor, address: '192.0.2.3' }, { event: 'test' }, 'a refusal that only the log has');
  const ofLog = events().slice(lines);
  t.match(ofLog.at(-1), { event: 'test', address: '192.0.2.3', via: 'nobody' });
  t.equal(ofLog.length, LIMIT + 1, 'they are counted apart from those of the audit trail');

  t.strictSame(await countEntries(app, 'refusals-left-out'), {});
  await app.close();
  const leftOut = { '192.0.2.1': 9, '2001:db8:1::/48': 2 };
  t.strictSame(await countEntries(other, 'refusals-left-out'), leftOut, 'once the service has stopped');
  t.match(
    events().slice(lines + ofLog.length),
    Object.entries(leftOut).map(([address, count]) => ({ event: 'refusals-left-out', address, count })),
  );
});

onEachEngine(
  'When the hour ends, what was left out is told, and refusals are written again',
  async (t, engine) => {
    mock.timers.enable({ apis: ['setInterval'] });
    t.teardown(() => mock.timers.reset());
    const { app, events } = await startTwo(t, engine);
    await beRefused(app, '192.0.2.1', LIMIT + 1);
    mock.timers.tick(REFUSAL_PERIOD - 1);
    await beRefused(app, '192.0.2.1', 1);
    t.strictSame(await countEntries(app, 'sign-in-refused'), { '192.0.2.1': LIMIT });
    mock.timers.tick(1);
    await until(
      'what was left out is told',
      async () => (await countEntries(app, 'refusals-left-out'))['192.0.2.1'] === 2,
    );
    await beRefused(app, '192.0.2.1', 1);
    t.strictSame(await countEntries(app, 'sign-in-refused'), { '192.0.2.1': LIMIT + 1 });
    mock.timers.tick(REFUSAL_PERIOD);
    await app.close();
    const entries = events().filter(({ event }) => event === 'refusals-left-out');
    t.equal(entries.length, 1, 'where nothing was left out, nothing is told');
  },
);
