/** Odd requests are answered as the table in test/support/odd-requests.ts says, and answers without content name no length. */
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import type { App } from '../../../app.ts';
import { onEachEngine } from '../../support/engines.ts';
import { ODD_REQUESTS } from '../../support/odd-requests.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('Odd requests are answered as their rows say', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  t.ok(ODD_REQUESTS.length > 60, `${ODD_REQUESTS.length} rows`);

  for (const [number, { status, method, url, errors, why, headers, body }] of ODD_REQUESTS.entries()) {
    const text = `${method} ${url} ${Object.values(headers)} ${body?.slice(0, 50) ?? ''}`;
    // A log of the tests must stay text.
    const name = text.replaceAll(/\p{Cc}/gu, (each) => `U+${each.codePointAt(0)?.toString(16)}`);
    t.test(`${name} answers ${status}: ${why}`, async (t) => {
      const user = await makeUser(app, `user-${number}`);
      const group = (await client.request('POST', '/api/groups', { name: `group-${number}` })).json().id;
      const names: Record<string, string> = { user, USER: user.toUpperCase(), group };
      const fill = (text: string) =>
        text.replaceAll(/\{(user|USER|group)\}/g, (_all, each) => names[each] ?? '');
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      const payload = body === undefined ? undefined : fill(body);
      const response = await client.request(method, fill(url), payload, { ...json, ...headers });
      t.equal(response.statusCode, status, `${why}: ${response.payload.slice(0, 300)}`);
      if (status < 400) return;
      const problem: { errors?: { pointer: string; code: string; detail: string }[] } = response.json();
      t.match(problem, { status, type: /^urn:rollcall:problem:/, detail: /./ });
      t.strictSame(problem.errors?.map(({ pointer, code }) => `${pointer} ${code}`).sort(), errors, why);
      for (const { detail } of problem.errors ?? []) t.notMatch(detail, /NOT|>=|<=|schema/, 'plain words');
    });
  }

  t.test('A large body that is wrong everywhere is answered within a second', async (t) => {
    const fields = Array.from({ length: 6_000 }, (_, n) => `"f${n}":0`).join();
    const items = Array.from({ length: 30_000 }, (_, n) => n % 10).join();
    const texts = Array.from({ length: 15_000 }, () => '"?"').join();
    for (const body of [
      `{${fields}}`,
      ...[items, texts].map((list) => `{"name":"x","permissions":[${list}]}`),
    ]) {
      const size = Buffer.byteLength(body);
      t.ok(size > 50_000 && size < 65_536, `${size} bytes`);
      const start = performance.now();
      const response = await client.request('POST', '/api/groups', body, {
        'content-type': 'application/json',
      });
      t.equal(response.statusCode, 400);
      t.ok(performance.now() - start < 1_000);
    }
  });

  t.test(
    'Names too long to be compared are not folded, which takes the square of their length',
    async (t) => {
      const shortestTime = async (body: object) => {
        const times: number[] = [];
        for (let tries = 0; tries < 3; tries++) {
          const start = performance.now();
          t.equal((await client.request('POST', '/api/users', body)).statusCode, 400);
          times.push(performance.now() - start);
        }
        return Math.min(...times);
      };
      // Folding puts each two of these marks into another order.
      for (const field of ['username', 'email']) {
        const plain = await shortestTime({ [field]: 'a'.repeat(60_000) });
        const marks = await shortestTime({ [field]: `a${'\u0301\u0323'.repeat(15_000)}` });
        t.ok(marks < 20 * plain, `${field}: ${marks} ms, and ${plain} ms of plain letters`);
      }
    },
  );
});

/** @returns the head of the answer to a request, as it goes over the wire. */
async function headOf(app: App, request: string): Promise<string> {
  const address = app.server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  socket.write(`${request}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const [head = '', body = ''] = (await readText(socket)).split('\r\n\r\n');
  if (body !== '') throw new Error(`a body came: ${body}`);
  return head;
}

onEachEngine('An answer without content does not name its length', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const client = new Client(app);
  await client.signIn('ann', PASSWORD);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const cookie = `Cookie: ${client.cookie}`;

  t.test('HEAD and GET that answer 204 have no Content-Length (RFC 9110, section 8.6)', async (t) => {
    for (const line of [
      'HEAD /api/sign/check',
      'GET /api/sign/check',
      'OPTIONS /api/users',
      'POST /api/sign/out',
    ]) {
      const head = await headOf(
        app,
        `${line} HTTP/1.1\r\n${line.startsWith('POST') ? 'X-Nothing: 1' : cookie}`,
      );
      t.match(head, /^HTTP\/1\.1 204 /, line);
      t.notMatch(head, /content-length|transfer-encoding/i, line);
    }
  });

  t.test('HEAD of what has content names the length of GET', async (t) => {
    const get = await client.request('GET', '/api/sign');
    const head = await headOf(app, `HEAD /api/sign HTTP/1.1\r\n${cookie}`);
    t.match(head.toLowerCase(), `content-length: ${Buffer.byteLength(get.payload)}`);
  });
});
