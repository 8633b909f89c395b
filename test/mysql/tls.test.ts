/**
 * Between the service and its database there may be a network. Whoever asks for TLS in DATABASE_URL gets it, with a
 * server that they have a reason to trust, or no connection at all.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { connectOnce } from '../../db/engines/mysql-connections.ts';
import { HASTY, leaveOut, onOwnServer } from '../support/own-server.ts';
import { makeFolder, type Result, runServer, startServer } from '../support/processes.ts';

const NAME = 'a database whose certificate one made oneself';

/** Makes an authority and a certificate by it for that host. @returns the files. */
function makeCertificate(t: Test, host: string) {
  const cwd = makeFolder(t);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd, stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=An authority'];
  openssl('req', '-x509', ...newKey, ...authority, '-days', '2');
  openssl('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${host}`);
  writeFileSync(join(cwd, 'names'), `subjectAltName=DNS:${host}`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-days', '2', '-out', 'server.pem');
  return { ca: join(cwd, 'ca.pem'), cert: join(cwd, 'server.pem'), key: join(cwd, 'server.key') };
}

function onServerWithCertificate(
  name: string,
  host: string,
  tests: (t: Test, urls: { plain: string; ca: string }) => Promise<void>,
): void {
  if (spawnSync('openssl', ['version']).status !== 0) return leaveOut(name, 'openssl is not installed');
  let ca = '';
  const flags = (t: Test) => {
    const files = makeCertificate(t, host);
    ca = files.ca;
    return [...HASTY, ...Object.entries(files).map(([kind, path]) => `--ssl-${kind}=${path}`)];
  };
  onOwnServer(name, flags, async (t, server) => {
    await server.query("CREATE USER clerk@'%' REQUIRE SSL");
    await server.query("GRANT ALL ON *.* TO clerk@'%'");
    const plain = (await server.makeDatabase()).replace('root@127.0.0.1', 'clerk@localhost');
    await tests(t, { plain, ca });
  });
}

onServerWithCertificate(NAME, 'localhost', async (t, { plain, ca }) => {
  const withAuthority = (more = {}) =>
    `${plain}?ssl=${encodeURIComponent(JSON.stringify({ ca: readFileSync(ca, 'utf8'), ...more }))}`;
  const start = (databaseUrl: string, more = {}) =>
    runServer({ DATABASE_URL: databaseUrl, WORKERS: '1', ...more });

  await t.test('is refused with a line by ?ssl=true', async (t) => {
    refusedWith(t, await start(`${plain}?ssl=true`), /self-signed certificate/);
  });

  await t.test('is not sent anything without TLS that is to be had only with it', async (t) => {
    refusedWith(t, await start(plain), /Access denied/);
  });

  await t.test('serves whoever names the authority', async (t) => {
    const environment = {
      DATABASE_URL: withAuthority(),
      AUTO_MIGRATE: 'true',
      WORKERS: '1',
      SECRET_KEY: makeSecret(),
    };
    const running = await startServer(t, { environment });
    t.equal((await fetch(new URL('/api/users', running.url))).status, 401);
    await running.stop();
    const connection = await connectOnce(withAuthority());
    t.teardown(() => connection.destroy());
    const [rows] = await connection.query("SHOW STATUS LIKE 'Ssl_cipher'");
    t.match(JSON.stringify(rows), /TLS_|AES|CHACHA/, 'in cipher');
  });

  await t.test('serves ?ssl=true on a machine that trusts the authority', async (t) => {
    const trusting = { NODE_EXTRA_CA_CERTS: ca };
    // That the schema is behind, it knows from the database.
    const url = `${plain}_other?ssl=true`;
    refusedWith(t, await start(url, trusting), /Unknown database/);
  });
});

onServerWithCertificate(
  'a database whose certificate is for another host',
  'elsewhere.example',
  async (t, { plain, ca }) => {
    t.test('is refused with a line by ?ssl=true, even if its authority is trusted', async (t) => {
      const environment = { DATABASE_URL: `${plain}?ssl=true`, WORKERS: '1', NODE_EXTRA_CA_CERTS: ca };
      refusedWith(t, await runServer(environment), /does not match certificate's altnames/);
    });
  },
);

function refusedWith(t: Test, { code, stderr }: Result, says: RegExp): void {
  t.equal(code, 1);
  t.match(stderr, /^rollcall: .+\n$/, 'in one line');
  t.match(stderr, says);
}
