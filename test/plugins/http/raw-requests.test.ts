/**
 * What is no valid HTTP, or what programs could read in two ways, is refused as a problem, alone and behind other requests, whose answers
 * go out whole before it. All is written to sockets, since HTTP libraries send no such requests.
 */
import { onEachEngine } from '../../support/engines.ts';
import { makeLog, warningsIn } from '../../support/log.ts';
import { makeUser, PASSWORD, quickHashing, startService } from '../../support/service.ts';
import { exchange, listen, post, problemIn, SIGN_IN, statusesOf } from '../../support/sockets.ts';

interface Row {
  why: string;
  request: string;
  status: number;
  kind: string;
}

/** A request of these lines, which is refused with 400. */
const bad = (why: string, ...lines: string[]): Row => ({
  why,
  request: `${lines.join('\r\n')}\r\n\r\n`,
  status: 400,
  kind: 'malformed',
});

/** A sign-in with these headers and that body. */
const framed = (why: string, headers: string[], body: string, more: Partial<Row> = {}): Row => ({
  ...bad(why),
  request: `${SIGN_IN}${headers.join('\r\n')}\r\n\r\n${body}`,
  ...more,
});

const CHUNKS = '2\r\n{}\r\n0\r\n\r\n';
const HOSTS = [
  '',
  'a b/@evil',
  'a/b',
  'user@a',
  'a:b',
  'a:123456',
  'a,b',
  'a#b',
  '[::1',
  '::1',
  'a\u00e9',
  '%61',
];
const LENGTHS = ['2, 2', '+2', '-2', '0x2', '2e0', '2;', '18446744073709551618'];
const UNKNOWN_EXPECTATION = { status: 417, kind: 'expectation-failed' };
const NO_METHOD = { status: 405, kind: 'method-not-allowed' };

const ROWS: Row[] = [
  bad('a line of garbage', 'GARBAGE'),
  bad('bytes of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001'),
  bad('no version', 'GET /'),
  bad('no version, but a Host', 'GET /', 'Host: x'),
  bad('a version that there is not', 'GET / HTTP/1.2', 'Host: x'),
  bad('HTTP/2.0 as text', 'GET / HTTP/2.0', 'Host: x'),
  bad('the preface of HTTP/2', 'PRI * HTTP/2.0', '', 'SM'),
  bad('line feeds alone', 'GET / HTTP/1.1\nHost: x\n'),
  bad('no Host', 'GET / HTTP/1.1'),
  bad('two different lines of Host', 'GET / HTTP/1.1', 'Host: a.example', 'Host: b.example'),
  bad('two equal lines of Host', 'GET / HTTP/1.1', 'Host: a.example', 'Host: a.example'),
  bad(
    'a second Host behind many headers',
    'GET / HTTP/1.1',
    'Host: x',
    ...Array(1_500).fill('a:b'),
    'Host: y',
  ),
  ...HOSTS.map((host) => bad(`the Host "${host}"`, 'GET / HTTP/1.1', `Host: ${host}`)),
  bad('a Host that is not well formed in HTTP/1.0', 'GET / HTTP/1.0', 'Host: a b'),
  bad('a blank before a colon', 'GET / HTTP/1.1', 'Host : x'),
  bad('a header that goes on in the next line', 'GET / HTTP/1.1', 'Host: x', 'X-Long: a', ' b'),
  bad('U+0000 in a header', 'GET / HTTP/1.1', 'Host: x', 'X-Null: a\u0000b'),
  framed('a body compressed and chunked', ['Transfer-Encoding: gzip, chunked'], CHUNKS),
  framed('the same in two lines', ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], CHUNKS),
  framed('a body chunked twice', ['Transfer-Encoding: chunked, chunked'], CHUNKS),
  framed('chunked is not the last coding', ['Transfer-Encoding: chunked, gzip'], CHUNKS),
  framed('chunked with a tab before it', ['Transfer-Encoding: \u000bchunked'], CHUNKS),
  framed('Transfer-Encoding: identity', ['Transfer-Encoding: identity'], '{}'),
  framed('chunked in HTTP/1.0', ['Transfer-Encoding: chunked'], CHUNKS, {
    request: `${SIGN_IN.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  }),
  framed('a length and then chunked', ['Content-Length: 2', 'Transfer-Encoding: chunked'], CHUNKS),
  framed('chunked and then a length', ['Transfer-Encoding: chunked', 'Content-Length: 2'], CHUNKS),
  framed('two different lengths', ['Content-Length: 2', 'Content-Length: 3'], '{} '),
  framed('two equal lengths', ['Content-Length: 2', 'Content-Length: 2'], '{}'),
  ...LENGTHS.map((length) => framed(`the length ${length}`, [`Content-Length: ${length}`], '{}')),
  framed('a chunk whose size is no number', ['Transfer-Encoding: chunked'], `zz${CHUNKS.slice(1)}`),
  framed(
    'chunks that end with line feeds alone',
    ['Transfer-Encoding: chunked'],
    CHUNKS.replaceAll('\r', ''),
  ),
  framed('an unknown expectation', ['Expect: 200-ok', 'Content-Length: 2'], '{}', UNKNOWN_EXPECTATION),
  framed('one expectation too many', ['Expect: a, b', 'Content-Length: 2'], '{}', UNKNOWN_EXPECTATION),
  { ...bad('CONNECT', 'CONNECT x:443 HTTP/1.1', 'Host: x:443'), ...NO_METHOD },
  { ...bad('TRACE', 'TRACE / HTTP/1.1', 'Host: x', 'Connection: close'), ...NO_METHOD },
  {
    ...bad('headers of 20 KB', 'GET / HTTP/1.1', 'Host: x', `X-Long: ${'x'.repeat(20_000)}`),
    status: 431,
    kind: 'headers-too-large',
  },
];

onEachEngine('What is no valid HTTP is refused as a problem', async (t, engine) => {
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { hashing: quickHashing, log });
  await makeUser(app, 'ann');
  const port = await listen(app);
  const before = post('/api/sign/in', { username: 'ann', password: PASSWORD });
  const alive = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';

  for (const { why, request, status, kind } of ROWS) {
    const problem = { status, kind, hasId: true };
    await t.test(`${why} is refused with ${status}, and the connection closes`, async (t) => {
      t.strictSame((await exchange(port, request)).map(problemIn), [problem]);
    });

    await t.test(`${why} behind other requests is refused after their answers`, async (t) => {
      const [signIn, livez, ...others] = await exchange(port, before + alive + request);
      t.match(signIn, { status: 200, headers: { 'set-cookie': /^rollcall=/ }, body: /"username":"ann"/ });
      t.match(livez, { status: 200, body: /alive/ });
      t.strictSame(others.map(problemIn), [problem]);
    });
  }
  t.strictSame(warningsIn(lines), [], 'nothing is a warning in the log');
});

onEachEngine('Unusual requests that are valid HTTP are answered', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const port = await listen(app);
  const GOOD_HOSTS = [
    'a',
    'a.example',
    'a_b.example:80',
    '192.0.2.1:8080',
    '[::1]',
    '[::1]:8080',
    'xn--a.example',
  ];
  for (const host of GOOD_HOSTS) {
    t.test(`The Host ${host} is good`, async (t) => {
      const [answer] = await exchange(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      t.equal(answer?.status, 200);
    });
  }

  t.test('HTTP/1.0 needs no Host, as the health checks of some proxies have none', async (t) => {
    t.strictSame(statusesOf(await exchange(port, 'GET /livez HTTP/1.0\r\n\r\n')), [200]);
  });

  t.test('Expect: 100-continue is followed', async (t) => {
    const request = post('/api/sign/in', { username: 'ann', password: PASSWORD });
    const headers = 'Host: x\r\nExpect: 100-Continue\r\nConnection: close\r\n';
    const answers = await exchange(port, request.replace('Host: x\r\n', headers));
    t.strictSame(statusesOf(answers), [100, 200]);
  });

  t.test('A request to upgrade is answered, and the connection closes', async (t) => {
    const upgrade = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
    const answers = await exchange(port, `${upgrade}GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
    t.strictSame(statusesOf(answers), [200]);
  });

  t.test('Hundreds of pipelined requests are answered in order', async (t) => {
    const ids = Array.from({ length: 300 }, (_, n) => `/nothing/${n}`);
    const requests = ids.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const answers = await exchange(port, `${requests.join('')}GARBAGE\r\n\r\n`);
    t.strictSame(
      answers.slice(0, -1).map(({ body }) => JSON.parse(body).detail),
      ids.map((path) => `There is nothing at ${path}.`),
    );
  });
});
