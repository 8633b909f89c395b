/** Only trusted proxies tell where a request comes from. The audit trail, the log, sessions and the throttle have the same address. */
import { onEachEngine } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { makeUser, PASSWORD, quickHashing, startService } from '../../support/service.ts';
import { exchange, listen } from '../../support/sockets.ts';

const NONE = false;
const PROXIES = ['10.0.0.0/8', '2001:db8:a::/48'];

interface Row {
  why: string;
  trust: string[] | false;
  peer: string;
  forwarded?: string;
  address: string;
}

const ROWS: Row[] = [
  { why: 'no proxy', trust: NONE, peer: '192.0.2.1', address: '192.0.2.1' },
  { why: 'IPv4 on a socket of IPv6', trust: NONE, peer: '::ffff:192.0.2.1', address: '192.0.2.1' },
  { why: 'the same in hexadecimal', trust: NONE, peer: '::ffff:c000:201', address: '192.0.2.1' },
  { why: 'a long way to write IPv6', trust: NONE, peer: '2001:0DB8:0::0001', address: '2001:db8::1' },
  {
    why: 'a forged header, no proxy',
    trust: NONE,
    peer: '192.0.2.1',
    forwarded: '198.51.100.1',
    address: '192.0.2.1',
  },
  {
    why: 'a forged header, another proxy',
    trust: PROXIES,
    peer: '192.0.2.1',
    forwarded: '10.0.0.1',
    address: '192.0.2.1',
  },
  { why: 'a proxy without the header', trust: PROXIES, peer: '10.0.0.1', address: '10.0.0.1' },
  { why: 'a proxy', trust: PROXIES, peer: '10.0.0.1', forwarded: '192.0.2.1', address: '192.0.2.1' },
  {
    why: 'a proxy behind IPv6',
    trust: PROXIES,
    peer: '::ffff:10.0.0.1',
    forwarded: '::ffff:192.0.2.1',
    address: '192.0.2.1',
  },
  {
    why: 'a forged hop before the proxy',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded: '198.51.100.1, 192.0.2.1',
    address: '192.0.2.1',
  },
  {
    why: 'a forged hop of a proxy',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded: '10.9.9.9, 192.0.2.1',
    address: '192.0.2.1',
  },
  {
    why: 'two proxies',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded: '198.51.100.1, 192.0.2.1, 2001:db8:a::1',
    address: '192.0.2.1',
  },
  { why: 'a port', trust: PROXIES, peer: '10.0.0.1', forwarded: '192.0.2.1:567', address: '192.0.2.1' },
  {
    why: 'a port of IPv6',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded: '[2001:db8::1]:567',
    address: '2001:db8::1',
  },
  { why: 'brackets', trust: PROXIES, peer: '10.0.0.1', forwarded: '[2001:DB8::1]', address: '2001:db8::1' },
  {
    why: 'a proxy with a port',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded: '192.0.2.1, 10.0.0.2:567',
    address: '192.0.2.1',
  },
  ...[
    'unknown',
    '_hidden',
    '192.0.2.1:x',
    '192.0.2',
    '0x7f.1',
    '010.1.1.1',
    '192.0.2.256',
    '[::1',
    ':567',
    '"192.0.2.1"',
    '192.0.2.1\u009b',
    'x'.repeat(999),
  ].map((forwarded) => ({
    why: 'no address',
    trust: PROXIES,
    peer: '10.0.0.1',
    forwarded,
    address: '10.0.0.1',
  })),
];

onEachEngine('Where a request comes from', async (t, engine) => {
  const { log, lines, events } = makeLog();
  const start = (TRUST_PROXY: Row['trust'], databaseUrl?: string) =>
    startService(t, engine, {
      hashing: quickHashing,
      log,
      settings: { TRUST_PROXY, LOG_LEVEL: 'debug' },
      ...(databaseUrl ? { databaseUrl } : {}),
    });
  const { app: withoutProxy, settings } = await start(NONE);
  const { app: behindProxy } = await start(PROXIES, settings.DATABASE_URL);

  for (const [number, { why, trust, peer, forwarded, address }] of ROWS.entries()) {
    const name =
      forwarded === undefined ? '' : ` with X-Forwarded-For: ${JSON.stringify(forwarded.slice(0, 40))}`;
    t.test(`${why}: a request of ${peer}${name} comes from ${address}`, async (t) => {
      const app = trust ? behindProxy : withoutProxy;
      const id = await makeUser(app, `user-${number}`);
      lines.length = 0;
      const response = await app.inject({
        method: 'POST',
        url: '/api/sign/in',
        payload: { username: `user-${number}`, password: PASSWORD },
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
        remoteAddress: peer,
      });
      t.equal(response.statusCode, 200);
      const [entry] = await app.db.audit.page({ target: id }, '', 'g', 1);
      t.equal(entry?.address, address, 'in the audit trail');
      t.match(events(), [{ event: 'signed-in', address }], 'in the log');
      const incoming = lines.find((line) => line.includes('incoming request')) ?? '{}';
      t.equal(JSON.parse(incoming).req.ip, address, 'in the log of requests');
      const [session] = await app.db.sessions.page(id, '', 2, Date.now());
      t.equal(session?.address, address, 'in the session');
    });
  }

  t.test('Wrong passwords under forged addresses are throttled as those of one caller', async (t) => {
    const places = [
      { app: withoutProxy, peer: '192.0.2.7', last: '' },
      { app: behindProxy, peer: '192.0.2.8', last: '' },
      { app: behindProxy, peer: '10.0.0.1', last: ', 192.0.2.9' },
      { app: behindProxy, peer: '10.0.0.1', last: ', 192.0.2.10:4711' },
    ];
    for (const [place, { app, peer, last }] of places.entries()) {
      const statuses = new Set<number>();
      for (let n = 1; n <= 25; n++) {
        const response = await app.inject({
          method: 'POST',
          url: '/api/sign/in',
          payload: { username: `guessed-${place}`, password: 'wrong' },
          headers: { 'x-forwarded-for': `198.51.100.${n}${last.replace('4711', String(4711 + n))}` },
          remoteAddress: peer,
        });
        statuses.add(response.statusCode);
      }
      t.strictSame([...statuses], [401, 429], `${peer}${last}`);
    }
  });

  t.test('Two lines of X-Forwarded-For are read as one, whose last hop counts', async (t) => {
    const app = (await start(['loopback'], settings.DATABASE_URL)).app;
    const port = await listen(app);
    lines.length = 0;
    const headers = 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n';
    await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    const incoming = lines.find((line) => line.includes('incoming request')) ?? '{}';
    t.equal(JSON.parse(incoming).req.ip, '192.0.2.1');
  });
});

onEachEngine(
  'X-Forwarded-Host and X-Forwarded-Proto count only behind a trusted proxy',
  async (t, engine) => {
    const rows = [
      { trust: NONE, peer: '10.0.0.1', host: 'own.example', protocol: 'http' },
      { trust: PROXIES, peer: '192.0.2.1', host: 'own.example', protocol: 'http' },
      { trust: PROXIES, peer: '10.0.0.1', host: 'public.example', protocol: 'https' },
    ];
    for (const { trust, peer, host, protocol } of rows) {
      const { app } = await startService(t, engine, {
        hashing: quickHashing,
        settings: { TRUST_PROXY: trust },
      });
      t.test(`With TRUST_PROXY=${trust}, ${peer} sees ${protocol}://${host}`, async (t) => {
        const seen: string[] = [];
        app.addRequestLoader('seeing', (request) => {
          seen.push(`${request.protocol}://${request.host}`);
          return undefined;
        });
        await app.inject({
          url: '/api/users',
          headers: {
            host: 'own.example',
            'x-forwarded-host': 'public.example',
            'x-forwarded-proto': 'https',
          },
          remoteAddress: peer,
        });
        t.strictSame(seen, [`${protocol}://${host}`]);
      });
    }
  },
);
