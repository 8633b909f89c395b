/**
 * The OpenAPI description: the committed file is what the service generates, it is complete, and the documentation page works
 * in a real browser.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { findBrowser, openBrowser } from '../../support/browser.ts';
import { engines } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import { manage, PROJECT } from '../../support/processes.ts';
import { makeUser, PASSWORD, startService } from '../../support/service.ts';

const [sqlite] = engines;

test('The OpenAPI description is complete and committed', async (t) => {
  if (!sqlite) throw new Error('SQLite is always available.');
  const { app } = await startService(t, sqlite, { settings: { SIGN_UP: 'open', DOCS: true } });
  const response = await app.inject('/openapi.json');
  const description: Description = response.json();
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
  );

  t.test('docs/openapi.json is up to date with "npm run openapi"', async (t) => {
    const committed = readFileSync(join(PROJECT, 'docs/openapi.json'), 'utf8');
    t.equal(committed, (await manage(['openapi'])).stdout);
    t.strictSame(JSON.parse(committed), description, 'a running service serves the same description');
  });

  t.test('Every operation has an id, a summary, a tag and security', async (t) => {
    t.match(description, { openapi: '3.1.0', info: { title: 'Rollcall' } });
    t.ok(operations.length >= (hasTokens ? 35 : 30), `${operations.length} operations`);
    const ids = operations.map(({ operationId }) => operationId);
    t.equal(new Set(ids).size, ids.length, 'operation ids are unique');
    for (const { name, operationId, summary, tags, security } of operations) {
      t.match(operationId, /^[a-z]+([A-Z][a-z]+)*$/, name);
      t.ok(summary, name);
      t.equal(tags?.length, 1, name);
      t.ok(Array.isArray(security), name);
    }
  });

  t.test('Every operation lists its error responses', async (t) => {
    for (const { name, responses, security, requestBody } of operations) {
      const statuses = Object.keys(responses);
      t.ok(
        statuses.some((status) => /^2\d\d$/.test(status)),
        `${name} lists a success`,
      );
      t.ok(statuses.includes('503'), name);
      if (security.length > 0) t.ok(statuses.includes('401'), `${name} lists 401`);
      if (requestBody)
        for (const status of ['400', '413', '415'])
          t.ok(statuses.includes(status), `${name} lists ${status}`);
      for (const status of statuses.filter((each) => Number(each) >= 400)) {
        t.match(
          responses[status],
          { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
          `${name}: ${status}`,
        );
      }
    }
  });

  t.test('Every request body has an example', async (t) => {
    const withBody = operations.filter(({ requestBody }) => requestBody);
    t.ok(withBody.length >= 10);
    for (const { name, requestBody } of withBody) t.match(JSON.stringify(requestBody), /"examples?":/, name);
  });

  t.test('DOCS=false removes the OpenAPI description and the documentation page', async (t) => {
    const other = await startService(t, sqlite, { settings: { DOCS: false } });
    t.equal((await app.inject('/docs/static/nothing.js')).statusCode, 404);
    for (const url of ['/openapi.json', '/docs']) t.equal((await other.app.inject(url)).statusCode, 404);
  });
});

const browserPath = findBrowser();
const required = process.env.REQUIRE_BROWSER === '1';

test('The documentation page sends requests', {
  skip: !browserPath && !required && 'no Chromium is installed',
}, async (t) => {
  if (!browserPath || !sqlite) throw new Error('REQUIRE_BROWSER is 1, but there is no Chromium.');
  const { app } = await startService(t, sqlite, { settings: { DOCS: true } });
  await makeUser(app, 'ann', { admin: true });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await openBrowser(t, browserPath);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${url}/docs`);

  /** Opens an operation, fills in its body, and sends it. @returns the response's status. */
  async function tryOut(operationId: string, body?: object): Promise<number> {
    const block = page.locator(`[id$="-${operationId}"]`);
    await block.locator('.opblock-summary-control').click();
    if (body) await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
    const answer = page.waitForResponse((response) => response.url().startsWith(`${url}/api/`));
    await block.locator('button.execute').click();
    const { status } = await answer.then((response) => ({ status: response.status() }));
    await block.locator('.live-responses-table .response-col_status').first().waitFor();
    return status;
  }

  await t.test('The documentation page signs in and lists users', async (t) => {
    t.equal(await tryOut('signIn', { username: 'ann', password: PASSWORD }), 200);
    t.equal(await tryOut('listUsers'), 200);
    const shown = page.locator('[id$="-listUsers"] .live-responses-table .highlight-code');
    t.match(await shown.first().innerText(), '"username": "ann"');
    t.strictSame(errors, [], 'the console shows no error');
  });
});

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: object[];
  requestBody?: object;
  responses: Record<string, object>;
}

interface Description {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}
