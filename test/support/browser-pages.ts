/** The service in production behind nginx, and pages of any origin in one browser, which finds all hosts on this machine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { findBrowser, openBrowser } from './browser.ts';
import { engines } from './engines.ts';
import { findNginx, makeCertificate, startNginx } from './nginx.ts';
import { makeFolder, PROJECT } from './processes.ts';
import { makeUser, quickHashing, startService } from './service.ts';

const browserPath = findBrowser();
const nginxPath = findNginx();
const isRequired = process.env.REQUIRE_BROWSER === '1';

/** Why these tests are skipped, false if they are not. */
export const skip = !(browserPath && nginxPath) && !isRequired && 'no Chromium or no nginx is installed';

/** A page that does nothing by itself. */
const EMPTY = '<!doctype html><title>page</title>';

/** @returns the port of a server of empty pages, for any host. */
async function startPages(
  t: Test,
  { certificate, key }: ReturnType<typeof makeCertificate>,
): Promise<number> {
  const options = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createServer(options, (_request, response) => {
    response.setHeader('content-type', 'text/html').end(EMPTY);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The server of pages does not listen.');
  return address.port;
}

/** Runs the service and nginx with that configuration and these settings, as docs/browsers.md has them. @returns what opens a page of an origin in one browser, and the service. */
export async function startPagesOf(t: Test, host: string, configuration: string, settings: string) {
  const [engine] = engines;
  if (!browserPath || !nginxPath || !engine)
    throw new Error('REQUIRE_BROWSER is 1, but there is no Chromium or no nginx.');
  const files = makeCertificate(t);
  const loaded = loadSettings({
    root: PROJECT,
    environment: { ...parseEnv(settings), SECRET_KEY: makeSecret() },
  });
  const { NODE_ENV, TRUST_PROXY, PUBLIC_URL, ORIGINS, SECRET_KEY } = loaded;
  const { app } = await startService(t, engine, {
    hashing: quickHashing,
    settings: { NODE_ENV, TRUST_PROXY, ORIGINS, SECRET_KEY, ...(PUBLIC_URL ? { PUBLIC_URL } : {}) },
  });
  await makeUser(app, 'ann', { admin: true });
  const bob = await makeUser(app, 'bob');
  const root = join(makeFolder(t), 'pages');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), EMPTY);
  const servers = configuration
    .replaceAll('http://127.0.0.1:5000', await app.listen({ host: '127.0.0.1', port: 0 }))
    .replace(/ssl_certificate .*;/, `ssl_certificate ${files.certificate};`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${files.key};`)
    .replace(/root .*;/, `root ${root};`);
  const nginx = await startNginx(t, nginxPath, servers);
  const pages = await startPages(t, files);
  const browser = await openBrowser(t, browserPath, [
    '--ignore-certificate-errors',
    `--host-resolver-rules=MAP ${host}:443 127.0.0.1:${nginx}, MAP * 127.0.0.1:${pages}`,
  ]);
  const context = await browser.newContext();
  const open = async (origin: string) => {
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    return page;
  };
  return { open, bob, context, url: `https://${host}`, app };
}

/** Runs code in the page, with these values as variables. @returns what the code returns. */
export const runIn = <Found>(page: Page, code: string, values: object = {}): Promise<Found> =>
  page.evaluate<Found>(`(async () => {
    const { ${Object.keys(values).join(', ')} } = ${JSON.stringify(values)};
    ${code}
  })()`);
