/** Starts an installed nginx for tests of configurations that the documentation shows. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort } from './mysql-server.ts';
import { makeFolder } from './processes.ts';
import { Running, until } from './running.ts';

/** @returns the path of an installed nginx, or undefined. */
export const findNginx = () =>
  ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(existsSync);

/** @returns the paths of a new certificate that no authority signed, and of its key. */
export function makeCertificate(t: Test): { certificate: string; key: string } {
  const folder = makeFolder(t);
  const [certificate, key] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', certificate, '-subj', '/CN=tests', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...ec, ...files], { stdio: 'ignore' });
  return { certificate, key };
}

async function accepts(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(undefined));
  }).then((found) => {
    socket.destroy();
    return found === true ? true : undefined;
  });
}

/** Starts nginx with server blocks, in which a new port takes the place of 443. @returns that port. */
export async function startNginx(t: Test, path: string, servers: string): Promise<number> {
  const folder = makeFolder(t);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  // Its workers may read the folder only as the user who made it.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const configuration = `${user} daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1; events {}
    http { access_log off; types { text/html html; } ${temporary.join(' ')}
    ${servers.replaceAll('listen 443 ', `listen 127.0.0.1:${port} `)} }`;
  writeFileSync(join(folder, 'nginx.conf'), configuration);
  const nginx = new Running(folder, path, ['-p', folder, '-c', join(folder, 'nginx.conf')], {}, 'ignore');
  t.teardown(async () => {
    nginx.kill();
    await nginx.exit;
  });
  const ended = nginx.exit.then(() => Promise.reject(new Error(`nginx ended: ${nginx.output.stderr}`)));
  await Promise.race([until('nginx accepts connections', () => accepts(port)), ended]);
  ended.catch(() => {});
  return port;
}
