/**
 * When DATABASE_URL demands TLS, the service must connect with TLS to a server whose certificate is trusted, or not
 * connect at all.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { RowDataPacket } from 'mysql2';
import type { Test } from 'tap';
import { makeSecret } from '../../../../config/secret.ts';
import { Servers } from '../../../../db/engines/mysql/servers.ts';
import { FAST_FLAGS, onOwnServer, skipTests } from '../../../support/own-server.ts';
import { makeFolder, runServer, startServer } from '../../../support/processes.ts';

const NAME = 'The service connects with TLS to a database server with a private certificate authority';

/** A certificate authority, and a certificate of it that can be issued again for another host. */
class Certificate {
  readonly #folder: string;
  constructor(t: Test) {
    this.#folder = makeFolder(t);
    const files = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=An authority'];
    this.#openssl('req', '-x509', ...this.#newKey, ...files, '-days', '2');
  }

  readonly #newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  get authority(): string {
    return readFileSync(join(this.#folder, 'ca.pem'), 'utf8');
  }

  /** The flags that make the server use the certificate. */
  get flags(): string[] {
    const path = (file: string) => join(this.#folder, file);
    return [
      `--ssl-ca=${path('ca.pem')}`,
      `--ssl-cert=${path('server.pem')}`,
      `--ssl-key=${path('server.key')}`,
    ];
  }

  issueFor(host: string): void {
    const request = ['-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${host}`];
    this.#openssl('req', ...this.#newKey, ...request);
    writeFileSync(join(this.#folder, 'names'), `subjectAltName=DNS:${host}`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
    this.#openssl('x509', '-req', '-in', 'server.csr', ...signing, '-days', '2', '-out', 'server.pem');
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'ignore' });
  }
}

function onServerWithCertificate(
  tests: (
    t: Test,
    fixtures: { plain: string; certificate: Certificate; reload(): Promise<void> },
  ) => Promise<void>,
): void {
  let certificate: Certificate | undefined;
  const flags = (t: Test) => {
    certificate = new Certificate(t);
    certificate.issueFor('localhost');
    return [...FAST_FLAGS, ...certificate.flags];
  };
  onOwnServer(NAME, flags, async (t, server) => {
    if (!certificate) throw new Error('The certificate is made before the server starts.');
    await server.query("CREATE USER clerk@'%' REQUIRE SSL");
    await server.query("GRANT ALL ON *.* TO clerk@'%'");
    const plain = (await server.makeDatabase()).replace('root@127.0.0.1', 'clerk@localhost');
    const reload = async () => {
      // MariaDB's statement, then MySQL's.
      await server.query('FLUSH SSL').catch(() => server.query('ALTER INSTANCE RELOAD TLS'));
    };
    await tests(t, { plain, certificate, reload });
  });
}

if (spawnSync('openssl', ['version']).status !== 0) skipTests(NAME, 'openssl is not installed');
else {
  onServerWithCertificate(async (t, { plain, certificate, reload }) => {
    const trusted = `${plain}?ssl=true`;
    const named = `${plain}?ssl=${encodeURIComponent(JSON.stringify({ ca: certificate.authority }))}`;
    const environment = { WORKERS: '1', AUTO_MIGRATE: 'true', SECRET_KEY: makeSecret() };

    await t.test('A service with ?ssl=true does not start when the authority is not trusted', async (t) => {
      const { code, stderr } = await runServer({ ...environment, DATABASE_URL: trusted });
      t.equal(code, 1);
      t.match(stderr, /^rollcall: .*self-signed certificate.*\n$/);
    });

    await t.test('A service that names the authority in ?ssl connects and serves requests', async (t) => {
      const running = await startServer(t, { environment: { ...environment, DATABASE_URL: named } });
      t.equal((await fetch(new URL('/api/users', running.url))).status, 401);
      t.match(await running.stop(), { code: 0 });
    });

    await t.test('The connection is encrypted, and a plain connection is refused', async (t) => {
      t.match(await cipherOf(named), /^TLS_|AES|CHACHA/);
      await t.rejects(cipherOf(plain), /Access denied/, 'the account requires TLS');
    });

    const before = getCACertificates('default');
    t.teardown(() => setDefaultCACertificates(before));
    setDefaultCACertificates([...before, certificate.authority]);

    await t.test('A connection with ?ssl=true succeeds when the authority is trusted by Node', async (t) => {
      t.match(await cipherOf(trusted), /^TLS_|AES|CHACHA/);
    });

    await t.test('A connection with ?ssl=true fails when the certificate is for another host', async (t) => {
      certificate.issueFor('elsewhere.example');
      await reload();
      await t.rejects(cipherOf(trusted), /does not match certificate's altnames/);
      t.match(
        await cipherOf(named),
        /^TLS_|AES|CHACHA/,
        'an object in ?ssl without verifyIdentity does not check the host',
      );
    });
  });
}

/** @returns the cipher of a connection. */
async function cipherOf(databaseUrl: string): Promise<string> {
  const { connection } = await new Servers(databaseUrl).open();
  try {
    const [rows] = await connection.query<RowDataPacket[]>("SHOW STATUS LIKE 'Ssl_cipher'");
    return String(rows[0]?.Value);
  } finally {
    connection.destroy();
  }
}
