/** nginx and haproxy serve the API by the files in deploy/, and haproxy by two hosts, of which one stops and one is killed. */

import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Test } from 'tap';
import { makeSecret } from '../../../config/secret.ts';
import { Caller, makeDatabaseWith } from '../../support/api.ts';
import { deployFile, substitute, testWith } from '../../support/deploy.ts';
import { Load } from '../../support/load/index.ts';
import { freePort } from '../../support/mysql-server.ts';
import { makeCertificate, startNginx } from '../../support/nginx.ts';
import { makeFolder, type Server, startServer } from '../../support/processes.ts';
import { Running, until } from '../../support/running.ts';

const PROXY = '127.0.0.1';

/** Starts hosts in production on one database. */
async function startHosts(t: Test, count: number) {
  const databaseUrl = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  await makeDatabaseWith(databaseUrl, 'ann');
  const environment = {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    SECRET_KEY: makeSecret(),
    TRUST_PROXY: PROXY,
    WORKERS: '1',
    LOG_REQUESTS: 'true',
  };
  const hosts = await Promise.all(Array.from({ length: count }, () => startServer(t, { environment })));
  return { databaseUrl, environment, hosts };
}

const portOf = ({ url }: Server) => new URL(url).port;

testWith(
  'nginx',
  'nginx serves the API over TLS, and tells nothing of what clients claim',
  async (t, nginx) => {
    const { hosts } = await startHosts(t, 1);
    const [host] = hosts;
    if (!host) throw new Error('There is one host.');
    const { certificate, key } = makeCertificate(t);
    const site = substitute(deployFile('nginx.conf'), {
      '/etc/ssl/accounts.example.org.pem': certificate,
      '/etc/ssl/private/accounts.example.org.key': key,
      '127.0.0.1:5000': `127.0.0.1:${portOf(host)}`,
    });
    const port = await startNginx(t, nginx, site);
    const send = (path: string, headers: Record<string, string> = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { host: PROXY, port, path, headers, rejectUnauthorized: false };
        request(options, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
    t.equal(await send('/api/users'), 401, 'the service answers');
    t.equal(await send('/readyz'), 404, 'probes are for those inside');
    const claims = { 'x-forwarded-for': '192.0.2.7', 'x-request-id': 'forged', 'x-forwarded-proto': 'http' };
    t.equal(await send('/api/groups', claims), 401);
    const lines = await host.logs('request answered', 2);
    t.match(lines, [{ path: '/api/users' }, { path: '/api/groups', address: '127.0.0.1' }]);
    for (const { requestId } of lines) t.match(requestId, /^[\da-f]{32}$/, 'the id is of nginx');
  },
);

testWith(
  'haproxy',
  'haproxy balances two hosts, and no request fails when one stops or dies',
  async (t, haproxy) => {
    const { databaseUrl, environment, hosts } = await startHosts(t, 2);
    const [one, two] = hosts;
    if (!one || !two) throw new Error('There are two hosts.');
    const port = await freePort();
    const file = join(makeFolder(t), 'haproxy.cfg');
    const configuration = substitute(deployFile('haproxy.cfg'), {
      'bind :443 ssl crt /etc/haproxy/accounts.example.org.pem alpn h2,http/1.1': `bind ${PROXY}:${port}`,
      '192.0.2.1:5000': `127.0.0.1:${portOf(one)}`,
      '192.0.2.2:5000': `127.0.0.1:${portOf(two)}`,
    });
    writeFileSync(file, configuration);
    const running = new Running('/', haproxy, ['-db', '-f', file], {}, 'ignore');
    t.teardown(async () => {
      running.kill();
      await running.exit;
    });
    const url = `http://${PROXY}:${port}`;
    const caller = new Caller();
    await until('haproxy has found the hosts', async () =>
      (await caller.status(url, '/readyz').catch(() => 0)) === 200 ? true : undefined,
    );

    const load = await Load.start({ urls: [url], databaseUrl });
    t.teardown(() => load.stop());
    await load.answered(500);
    for (const host of hosts) t.ok((await host.logs('request answered', 50)).length, 'both hosts serve');
    t.equal((await two.stop()).code, 0);
    await load.answered(500);
    t.same(load.kinds, {}, 'no request fails while a host stops');
    t.same(await load.stop(), [], 'nothing is lost');

    // It comes back at the same address, and is killed while it serves reads.
    const again = await startServer(t, { environment: { ...environment, PORT: portOf(two) } });
    const read = () => caller.status(url, '/api/users').catch(() => 0);
    const statuses = new Set<number>();
    await until('haproxy has found the host again', async () => {
      statuses.add(await read());
      return again.log().some(({ msg }) => msg === 'request answered') || undefined;
    });
    const reading = Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let count = 0; count < 100; count++) statuses.add(await read());
      }),
    );
    again.kill();
    await reading;
    t.strictSame([...statuses], [401], 'no read fails when a host is killed');
  },
);
