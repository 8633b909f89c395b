/** What the log tells of each request: the trace of which it is a part, in all of its lines, and with LOG_REQUESTS one line that sums it up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import type { Settings } from '../../../config/load.ts';
import { engines } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { PROJECT } from '../../support/processes.ts';
import { until } from '../../support/running.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';
import { get, listen, open } from '../../support/sockets.ts';

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
const MALFORMED = [
  '',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `00-${TRACE}-${SPAN}-01 `,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-0x`,
  `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
];

/** @returns a service that logs requests, and the lines that it has written since the last call. */
async function startLogging(t: Test, settings: Partial<Settings> = {}) {
  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const { log, lines } = makeLog('info');
  const { app } = await startService(t, engine, {
    hashing: quickHashing,
    log,
    settings: { LOG_REQUESTS: true, ...settings },
  });
  const id = await makeUser(app, 'ann');
  const client = await signedIn(app, 'ann');
  lines.length = 0;
  const take = () => lines.splice(0).map((line): Record<string, unknown> => JSON.parse(line));
  return { app, id, client, lines, take };
}

test('Every line of a request has its trace, and a malformed traceparent is ignored', async (t) => {
  const { client, take } = await startLogging(t);
  const signIn = (traceparent: string) =>
    client.request('POST', '/api/sign/in', { username: 'ann', password: PASSWORD }, { traceparent });
  for (const version of ['00', '01']) {
    const { statusCode, headers } = await signIn(`${version}-${TRACE}-${SPAN}-00`);
    const lines = take();
    t.equal(statusCode, 200);
    t.strictSame(
      lines.map(({ msg }) => msg),
      ['signed-in', 'request answered'],
    );
    for (const line of lines)
      t.match(line, { trace_id: TRACE, span_id: SPAN, requestId: headers['x-request-id'] });
  }
  for (const traceparent of MALFORMED) {
    t.equal((await signIn(traceparent)).statusCode, 200, JSON.stringify(traceparent));
    for (const line of take()) t.notOk('trace_id' in line || 'span_id' in line, JSON.stringify(traceparent));
  }
});

test('With LOG_REQUESTS each request is one line, without what could be secret', async (t) => {
  const { app, id, client, lines, take } = await startLogging(t);
  const cases = [
    { url: `/api/users/${id}?x=1`, status: 400, user: id, route: '/api/users/:id', path: `/api/users/${id}` },
    { url: `/api/users/${id}`, status: 200, user: id, route: '/api/users/:id', path: `/api/users/${id}` },
    { url: '/api/users?q=secret', status: 200, user: id, route: '/api/users', path: '/api/users' },
    { url: `/${'x'.repeat(999)}`, status: 404, route: undefined, path: `/${'x'.repeat(255)}` },
  ];
  for (const { url, ...expected } of cases) {
    const answer = await client.request('GET', url);
    const [line, ...others] = take();
    const bytes = Buffer.byteLength(answer.payload);
    const fields = { msg: 'request answered', level: 30, method: 'GET', address: '127.0.0.1', bytes };
    t.match(line, { ...expected, ...fields, requestId: answer.headers['x-request-id'] });
    t.type(line?.duration, 'number');
    t.notMatch(JSON.stringify(line), /secret|rollcall=/);
    t.strictSame(others, []);
  }
  await new Client(app).request('GET', '/api/users');
  t.match(take(), [{ status: 401, user: undefined }]);

  for (const path of ['/livez', '/readyz']) await client.request('GET', path);
  t.strictSame(take(), [], 'probes have no line');

  await t.test('A client that leaves before the answer has a line, too', async (t) => {
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    app.addRequestLoader('slow', async () => {
      ask();
      await left;
      return undefined;
    });
    const socket = await open(await listen(app));
    take();
    const answer = get(socket, '/api/users');
    answer.catch(() => {});
    await asked;
    socket.destroy();
    await until('the request is logged', () => lines.some((line) => line.includes('answered')) || undefined);
    t.match(take(), [{ msg: 'request answered', aborted: true, address: '127.0.0.1' }]);
    leave();
  });
});

test('docs/logs.md names the fields of the line of a request', async (t) => {
  const { client, take } = await startLogging(t);
  await client.request('GET', '/api/users');
  const page = readFileSync(join(PROJECT, 'docs/logs.md'), 'utf8');
  const cells = /^\| `request answered` \|.*\|.*\|(.*)\|$/m.exec(page)?.[1] ?? '';
  const named = [...cells.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const { level, time, pid, hostname, msg, requestId, ...fields } = take()[0] ?? {};
  t.strictSame(new Set([...Object.keys(fields), 'aborted']), new Set(named));
});

test('Without LOG_REQUESTS requests have no line', async (t) => {
  const { client, take } = await startLogging(t, { LOG_REQUESTS: false });
  t.equal((await client.request('GET', '/api/users')).statusCode, 200);
  t.strictSame(take(), []);
});
