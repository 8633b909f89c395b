/**
 * The configurations of docs/browsers.md work in a real browser, in production behind nginx with TLS, and the attacks that the page
 * names fail. The browser finds all hosts on this machine, so that the pages have the origins of the document.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { type Test, test } from 'tap';
import type { App } from '../app.ts';
import { runIn, skip, startPagesOf } from './support/browser-pages.ts';
import { blocksOf } from './support/page.ts';
import { PROJECT } from './support/processes.ts';
import { until } from './support/running.ts';
import { PASSWORD } from './support/service.ts';

const blocks = blocksOf(readFileSync(join(PROJECT, 'docs/browsers.md'), 'utf8'));
const textsIn = (language: string) =>
  blocks.filter((block) => block.language === language).map(({ text }) => text);
const [oneOrigin = '', otherOrigins = ''] = textsIn('nginx');
const [ownSettings = '', listingSettings = ''] = textsIn('env');
const [signInHere = '', signInThere = '', readWithToken = ''] = textsIn('js');

const ANN = { username: 'ann', password: PASSWORD };
const BOB = { username: 'bob', password: PASSWORD };

/**
 * Lets the page run the code of an attack. @returns the request of that path as the service had it, and its answer. The browser does not
 * show it, since answers are for our own origin only.
 */
async function attack(app: App, page: Page, path: string, code: string) {
  const { promise, resolve } = Promise.withResolvers<{
    hasCookie: boolean;
    status: number;
    setCookie: unknown;
  }>();
  const watch = ({ url, headers }: IncomingMessage, response: ServerResponse) => {
    if (url !== path) return;
    response.on('finish', () =>
      resolve({
        hasCookie: headers.cookie?.includes('__Host-rollcall=') === true,
        status: response.statusCode,
        setCookie: response.getHeader('set-cookie'),
      }),
    );
  };
  app.server.on('request', watch);
  await runIn(page, code).catch(() => undefined);
  const seen = await promise;
  app.server.off('request', watch);
  return seen;
}

/** What pages of other origins try. All need no preflight. */
const post = (url: string, more = '') =>
  `await fetch('${url}', { method: 'POST', mode: 'no-cors', credentials: 'include', ${more} });`;
const form = (url: string, name = '', value = '') => `
  const form = document.body.appendChild(document.createElement('form'));
  Object.assign(form, { method: 'POST', action: '${url}', enctype: 'text/plain' });
  const field = form.appendChild(document.createElement('input'));
  Object.assign(field, { name: ${JSON.stringify(name)}, value: ${JSON.stringify(value)} });
  form.submit();`;
/** A form whose body is JSON. */
const [BEFORE_EQUALS, AFTER_EQUALS] = JSON.stringify({ ...BOB, remember: true }).split(/(?<="password":")/);
const loginForm = (url: string) => form(url, `${BEFORE_EQUALS}`, `${AFTER_EQUALS}`);

/** The pages of an attacker, and whether browsers send them the cookie along. */
const ATTACKERS = (origin: string) => [
  { origin: `${origin}:8443`, cookie: true },
  { origin: origin.replace(/https:\/\/(accounts\.)?/, 'https://shop.'), cookie: true },
  { origin: 'https://evil.example', cookie: false },
];

const whoami = (url: string) =>
  `const who = await fetch('${url}/api/sign', { credentials: 'include' }); return who.ok ? (await who.json()).user.username : who.status;`;

/** Lets every attacker try everything against the user who is signed in, as the page says. */
async function assertAttacksFail(
  t: Test,
  { open, bob, url, context, app }: Awaited<ReturnType<typeof startPagesOf>>,
  page: Page,
): Promise<void> {
  for (const { origin, cookie } of ATTACKERS(url)) {
    await t.test(`A page of ${origin} changes, reads and shows nothing`, async (t) => {
      const codes = t.capture(app.db.codes, 'issue', app.db.codes.issue);
      for (const { what, target, code } of [
        { what: 'signing out', target: `${url}/api/sign/out`, code: post },
        { what: 'a one-time code', target: `${url}/api/users/${bob}/reset`, code: post },
        { what: 'signing out by a form', target: `${url}/api/sign/out`, code: form },
        { what: 'signing in as another', target: `${url}/api/sign/in`, code: loginForm },
        {
          what: 'signing in as another by text',
          target: `${url}/api/sign/in`,
          code: (to: string) => post(to, `body: ${JSON.stringify(JSON.stringify(BOB))}`),
        },
      ]) {
        // It stays open: Chromium can hang when a page is closed while its form is on the way.
        const attacker = await open(origin);
        const seen = await attack(app, attacker, target.slice(url.length), code(target));
        t.strictSame(seen, { hasCookie: cookie, status: 403, setCookie: undefined }, what);
        t.equal(await runIn(page, whoami(url)), 'ann', `after ${what}, the user is signed in as before`);
      }
      t.equal(codes().length, 0, 'no code was issued');

      const attacker = await open(origin);
      const read = `return (await fetch('${url}/api/users', { credentials: 'include' })).status;`;
      await t.rejects(runIn(attacker, read), /Failed to fetch/, 'an answer can not be read');
      await runIn(
        attacker,
        `document.body.appendChild(document.createElement('iframe')).src = '${url}/api/users';`,
      );
      const shown = await until('the frame has loaded', () => {
        const address = attacker.frames()[1]?.url();
        return address && address !== 'about:blank' ? address : undefined;
      });
      t.match(shown, /^chrome-error:/, 'an answer can not be shown in a frame');
    });
  }
  t.equal((await context.cookies()).length, 1);
}

test('A page and the API of one origin, by nginx', { skip }, async (t) => {
  const scene = await startPagesOf(t, 'example.org', oneOrigin, ownSettings);
  const page = await scene.open(scene.url);

  await t.test('The page signs in, reads and changes as the document says', async (t) => {
    t.equal(await runIn(page, `${signInHere} return response.status;`, ANN), 200);
    t.equal(await runIn(page, whoami(scene.url)), 'ann');
    t.match(await scene.context.cookies(), [
      { name: '__Host-rollcall', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' },
    ]);
    t.equal(await runIn(page, 'return document.cookie;'), '', 'no script reads the cookie');
    const change = `
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ name: 'Bob' });
      return (await fetch('/api/users/${scene.bob}', { method: 'PATCH', headers, body })).status;`;
    t.equal(await runIn(page, change), 200);
  });

  await assertAttacksFail(t, scene, page);

  await t.test('The page signs out', async (t) => {
    t.equal(await runIn(page, "return (await fetch('/api/sign/out', { method: 'POST' })).status;"), 204);
    t.equal(await runIn(page, whoami(scene.url)), 401);
  });
});

test('Pages of other origins that ORIGINS lists', { skip }, async (t) => {
  const scene = await startPagesOf(t, 'accounts.example.org', otherOrigins, listingSettings);
  const { open, url } = scene;
  const page = await open('https://app.example.org');

  await t.test(
    'A listed page of the same site signs in, reads and changes as the document says',
    async (t) => {
      t.equal(await runIn(page, `${signInThere} return response.status;`, ANN), 200);
      t.equal(await runIn(page, whoami(url)), 'ann');
      const change = `
      const bob = '${url}/api/users/${scene.bob}';
      const read = await fetch(bob, { credentials: 'include' });
      const headers = { 'Content-Type': 'application/json', 'If-Match': read.headers.get('ETag') };
      const body = JSON.stringify({ name: 'Bob' });
      const changed = await fetch(bob, { method: 'PATCH', credentials: 'include', headers, body });
      return [changed.status, changed.headers.get('ETag')];`;
      t.strictSame(
        await runIn(page, change),
        [200, '"2"'],
        'with a preflight, and headers that the page reads',
      );
      const wrong = `return (await (await fetch('${url}/nowhere', { credentials: 'include' })).json()).status;`;
      t.equal(await runIn(page, wrong), 404, 'problems can be read');
    },
  );

  await assertAttacksFail(t, scene, page);

  await t.test('A listed page of a foreign site has no session, and uses a token', async (t) => {
    const partner = await open('https://partner.example');
    t.equal(await runIn(partner, whoami(url)), 401, 'the cookie is not sent');
    t.equal(await runIn(partner, `${signInThere} return response.status;`, ANN), 200);
    t.equal(await runIn(partner, whoami(url)), 401, 'nor kept');
    const make = `
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ name: 'partner' });
      const made = await fetch('${url}/api/tokens', { method: 'POST', credentials: 'include', headers, body });
      return (await made.json()).secret;`;
    const token = await runIn<string>(page, make);
    t.equal(await runIn(partner, `${readWithToken} return response.status;`, { token }), 200);
    const evil = await open('https://evil.example');
    await t.rejects(runIn(evil, `${readWithToken} return response.status;`, { token }), /Failed to fetch/);
  });

  await t.test('The listed page signs out', async (t) => {
    const out = `return (await fetch('${url}/api/sign/out', { method: 'POST', credentials: 'include' })).status;`;
    t.equal(await runIn(page, out), 204);
    t.equal(await runIn(page, whoami(url)), 401);
  });
});
