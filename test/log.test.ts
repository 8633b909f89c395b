/** The log must not contain credentials, even when a blueprint logs a whole request, and not control the terminal of its readers. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { openEngine } from '../db/database.ts';
import { onEachEngine } from './support/engines.ts';
import { makeLog } from './support/log.ts';
import { hasTokens } from './support/optional.ts';
import { PROJECT } from './support/processes.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from './support/service.ts';
import { exchange, listen, post } from './support/sockets.ts';

/** The call of a logger, its level, and its message if that stands there as text. */
const CALL = /\blog\.(info|warn|error|fatal)\(\s*(?:\{[^}]*\},\s*)?(?:'([^']+)')?/g;

test('docs/logs.md lists every message that the code logs, with its level', (t) => {
  const page = readFileSync(join(PROJECT, 'docs/logs.md'), 'utf8');
  const listed = page.split('\n').flatMap((row) => {
    const [, messages = '', level] = row.split('|').map((cell) => cell.trim());
    return [...messages.matchAll(/`([^`]+)`/g)].map(([, message]) => `${level}: ${message}`);
  });
  const files = globSync(['*.ts', '{accounts,cluster,db,plugins,routes}/**/*.ts'], { cwd: PROJECT });
  const logged = files.flatMap((file) =>
    [...readFileSync(join(PROJECT, file), 'utf8').matchAll(CALL)].flatMap(([, level, message]) =>
      message === undefined ? [] : `${level}: ${message}`,
    ),
  );
  t.ok(logged.length > 12, `${logged.length} messages`);
  t.strictSame(
    logged.filter((each) => !listed.includes(each)),
    [],
  );
  t.end();
});

onEachEngine('A logged request contains no credentials', async (t, engine) => {
  for (const level of ['info', 'debug'] as const) {
    await t.test(`A logged request contains no cookie at LOG_LEVEL=${level}`, async (t) => {
      const captured = makeLog();
      const settings = { LOG_LEVEL: level };
      const { app } = await startService(t, engine, {
        hashing: quickHashing,
        log: captured.log,
        settings,
      });
      app.addRequestLoader('logging', (request) => {
        request.log.info({ req: request }, 'loader called');
        return undefined;
      });
      const response = await app.inject({ url: '/api/users', headers: { cookie: 'rollcall=the-secret' } });
      t.equal(response.statusCode, 401);
      const line = captured.lines.find((each) => each.includes('loader called')) ?? '{}';
      const { requestId } = response.json();
      t.match(JSON.parse(line), { req: { method: 'GET', url: '/api/users' }, requestId });
      t.notMatch(captured.lines.join(''), /the-secret/);
    });
  }
});

/** Makes the database refuse to begin sessions. The errors of both drivers carry the statement and its values. */
const BREAK_SESSIONS = {
  SQLite: "CREATE TRIGGER broken BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END",
  MySQL: "CREATE TRIGGER broken BEFORE INSERT ON sessions FOR EACH ROW SIGNAL SQLSTATE '45000'",
};

onEachEngine('No secret is in the log at LOG_LEVEL=trace, whatever happens', async (t, engine) => {
  const { log, lines } = makeLog();
  const { app, settings } = await startService(t, engine, {
    hashing: quickHashing,
    log,
    settings: { LOG_LEVEL: 'trace', LOG_REQUESTS: true, SIGN_UP: 'open' },
  });
  const admin = await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const secrets = new Map([['SECRET_KEY', settings.SECRET_KEY[0] ?? '']]);
  const keep = (name: string, secret: string) => {
    secrets.set(name, secret);
    return secret;
  };
  const guess = keep('a wrong password', 'one that is wrong 17');
  const fresh = keep('a new password', 'one that is new 4711');
  keep('the password', PASSWORD);
  const anonymous = new Client(app);
  const statuses: number[] = [];
  const send = async (...[method, url, body, headers]: Parameters<Client['request']>) => {
    const response = await client.request(method, url, body, headers);
    statuses.push(response.statusCode);
    for (const part of client.cookie?.split(/[=.]/).slice(1) ?? [])
      keep(`the part ${part.slice(0, 3)}… of the cookie at ${url}`, part);
    return response;
  };

  await send('POST', '/api/sign/in', { username: 'chief', password: PASSWORD });
  await send('POST', '/api/sign/confirm', { password: PASSWORD });
  await send('POST', '/api/sign/confirm', { password: guess });
  const { reset, id } = (await send('POST', '/api/users', { username: 'bob' })).json();
  const code = keep('a code', reset.code);
  const { code: second } = (await send('POST', `/api/users/${id}/reset`)).json();
  keep('a second code', second);
  for (const each of [code, second, second])
    await send('POST', '/api/sign/reset', { code: each, password: fresh });
  await send('PUT', `/api/users/${admin}/password`, { current: guess, password: fresh });
  await send('PATCH', `/api/users/${id}`, { password: fresh });
  await send('POST', '/api/users', `{"password":"${fresh}"`, { 'content-type': 'application/json' });
  await anonymous.request('POST', '/api/sign/in', { username: 'chief', password: guess });
  await anonymous.request('POST', '/api/sign/up', { username: 'cleo', password: fresh });
  if (hasTokens) {
    const token = await makeToken(client);
    keep('a token', token.secret);
    await anonymous.request('GET', '/api/users', undefined, token.headers);
    await anonymous.request('DELETE', `/api/tokens/${token.id}`, undefined, token.headers);
    const mistyped = { authorization: `${token.headers.authorization}x` };
    await anonymous.request('GET', '/api/users', undefined, mistyped);
  }
  const forged = { cookie: `rollcall=${keep('a forged cookie', 'f'.repeat(87))}` };
  await anonymous.request('GET', '/api/users', undefined, forged);
  t.ok(statuses.filter((status) => status < 300).length > 4, statuses.join(' '));

  const other = await openEngine(settings);
  const breakBy = (statement: string) => other.withMigrationLock(({ run }) => run(statement));
  await breakBy(BREAK_SESSIONS[engine.name]);
  const failed = await anonymous.request('POST', '/api/sign/in', { username: 'chief', password: PASSWORD });
  t.equal(failed.statusCode, 500, 'a statement fails');
  await breakBy('DROP TABLE codes');
  t.equal((await send('POST', '/api/sign/reset', { code: second, password: fresh })).statusCode, 503);
  await other.close();

  const levels = new Set(lines.map((line) => JSON.parse(line).level));
  t.ok(levels.has(10) && levels.has(50), `lines of the levels ${[...levels]}`);
  t.ok(secrets.size > 10, `${secrets.size} secrets`);
  for (const [name, secret] of secrets) {
    const found = lines.filter((line) => line.includes(secret));
    t.strictSame([found, secret.length > 8], [[], true], `${name} is not in the log`);
  }
});

test('Control characters are visible text in the log, and nothing else is changed', async (t) => {
  const { log, lines } = makeLog();
  const characters = Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)).join('');
  const kept = { backslashes: '\\u009b \\\\r C:\\b', lines: 'one\n\ttwo' };
  log.info({ characters, short: 'a\u009bb', ...kept }, 'a\u001bb\rc\u0085d');
  const [line = ''] = lines;
  t.notMatch(line.trimEnd(), /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u, 'none is there raw');
  const { characters: read, short, msg, backslashes, lines: two } = JSON.parse(line);
  const visible = characters.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (each) => {
    const escaped = JSON.stringify(each).slice(1, -1);
    return escaped === each ? `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
  t.equal(read, visible, 'and none once it is decoded');
  t.strictSame([short, msg], ['a\\u009bb', 'a\\u001bb\\rc\\u0085d']);
  t.strictSame({ backslashes, lines: two }, kept);
});

onEachEngine('What a client sends controls no terminal by the log', async (t, engine) => {
  const { log, lines, events } = makeLog();
  const settings = { LOG_LEVEL: 'debug' as const };
  const { app } = await startService(t, engine, { hashing: quickHashing, log, settings });
  await makeUser(app, 'ann');
  const port = await listen(app);
  const evil = '\u009b31m\u0085{"level":60}';
  const signIn = post('/api/sign/in', { username: 'ann', password: PASSWORD });
  const headers = `Host: x\r\nUser-Agent: ${evil}\r\nConnection: close`;
  await exchange(port, Buffer.from(signIn.replace('Host: x', headers), 'latin1'));
  t.match(events(), [{ event: 'signed-in', userAgent: '\\u009b31m\\u0085{"level":60}' }]);
  for (const line of lines) t.notMatch(line.trimEnd(), /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
});
