/**
 * Each event is recorded once in the audit trail and once in the log: who did what to whom, from where, and what changed.
 * Neither contains a secret.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import { type AuditRow, EVENTS } from '../../../db/queries/audit.ts';
import { onEachEngine } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { hasTokens } from '../../support/optional.ts';
import { Client, makeUser, PASSWORD, quickHashing, startService } from '../../support/service.ts';

const FROM = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'Browser/1.0' };
const WRONG = 'a password that is wrong';
const NEW = 'a password that is new';
/** A cursor after every id, which is hexadecimal. */
const END = 'g';

/** The fields of an audit entry that differ between events. */
type Expected = Partial<
  Pick<AuditRow, 'actorName' | 'via' | 'targetKind' | 'targetName' | 'before' | 'after'>
>;

onEachEngine('Every event is recorded once in the audit trail and the log', async (t, engine) => {
  const captured = makeLog();
  const { app } = await startService(t, engine, {
    hashing: quickHashing,
    log: captured.log,
    settings: { TRUST_PROXY: true, SIGN_UP: 'open', LOG_LEVEL: 'trace' },
  });
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const secrets = new Set([PASSWORD, WRONG, NEW]);
  const seen = new Set<string>();

  /** A client with an address and a user agent of its own. It adds its cookies to the secrets. */
  class Browser extends Client {
    override async request(...[method, url, payload, headers]: Parameters<Client['request']>) {
      const response = await super.request(method, url, payload, { ...FROM, ...headers });
      const value = decodeURIComponent(this.cookie?.split('=')[1] ?? '');
      for (const part of value.split('.')) if (part !== '') secrets.add(part);
      return response;
    }
  }
  const [chief, browser] = [new Browser(app), new Browser(app)];
  const entries = () => app.db.audit.page({}, '', END, 1000);

  /** Checks that the request records one audit entry and one log line. @returns the response body. */
  async function expectEvent(
    t: Test,
    event: string,
    expected: Expected,
    send: () => Promise<LightMyRequestResponse>,
  ) {
    const [before, linesBefore] = [await entries(), captured.events().length];
    const response = await send();
    const [entry, ...others] = (await entries()).slice(0, -before.length || undefined);
    t.equal(others.length, 0, `${event} is recorded once`);
    t.match(entry, { event, address: '203.0.113.7', userAgent: 'Browser/1.0', requestId: /./, ...expected });
    if (!expected.before) t.equal(entry?.before, null);
    if (!expected.after) t.equal(entry?.after, null);
    const lines = captured.events().slice(linesBefore);
    t.equal(lines.length, 1, `${event} is logged once`);
    const { id, address, userAgent, requestId, via, before: was, after: is } = entry ?? {};
    t.match(lines[0], { level: 30, event, entry: id, address, userAgent, requestId, via });
    t.strictSame([lines[0]?.before, lines[0]?.after], [was, is], 'the log line tells what changed');
    t.strictSame(lines[0]?.actor ?? null, entry?.actorId, 'the log line names the actor');
    seen.add(event);
    return response.payload === '' ? {} : response.json();
  }

  const byAnn: Expected = { actorName: 'ann', via: 'session' };
  const byChief: Expected = { actorName: 'chief', via: 'session' };
  const toAnn: Expected = { targetKind: 'user', targetName: 'ann' };
  const confirm = (password: string) => browser.request('POST', '/api/sign/confirm', { password });
  const change = (current: string, password: string) =>
    browser.request('PUT', `/api/users/${ann}/password`, { current, password });

  await t.test('Each event of signing in and out is recorded once', async (t) => {
    const byPassword = { actorName: 'ann', via: 'password' };
    await expectEvent(t, 'signed-in', { ...byPassword, ...toAnn }, () => browser.signIn('ann'));
    await expectEvent(t, 'sign-in-refused', { actorName: null, via: 'nobody', ...toAnn }, () =>
      new Browser(app).signIn('ann', WRONG),
    );
    await expectEvent(t, 'sign-in-refused', { actorName: null, targetKind: null, targetName: null }, () =>
      new Browser(app).signIn(NEW, WRONG),
    );
    await expectEvent(t, 'confirm-refused', { ...byAnn, ...toAnn }, () => confirm(WRONG));
    await expectEvent(t, 'confirmed', { ...byAnn, ...toAnn }, () => confirm(PASSWORD));
    await expectEvent(t, 'confirm-refused', { ...byAnn, ...toAnn }, () => change(WRONG, NEW));
    await expectEvent(t, 'password-changed', { ...byAnn, ...toAnn }, () => change(PASSWORD, NEW));
    await expectEvent(t, 'sessions-ended', { ...byAnn, ...toAnn }, () =>
      browser.request('DELETE', '/api/sessions'),
    );
    const other = new Browser(app);
    const { session } = (await other.signIn('ann', NEW)).json();
    await expectEvent(t, 'session-ended', { ...byAnn, targetKind: 'session' }, () =>
      browser.request('DELETE', `/api/sessions/${session.id}`),
    );
    await expectEvent(t, 'signed-out', { ...byAnn, targetKind: 'session' }, () =>
      browser.request('POST', '/api/sign/out'),
    );
    await new Browser(app).signIn('ann', NEW);
    for (let time = 0; time < 5; time++) await new Browser(app).signIn('ann', WRONG);
    await expectEvent(
      t,
      'throttled',
      { actorName: null, ...toAnn, after: { bound: 'name-and-network' } },
      () => new Browser(app).signIn('ann', WRONG),
    );
    const before = await entries();
    await new Browser(app).signIn('ann', WRONG);
    t.equal((await entries()).length, before.length, 'repeated throttling is not recorded again');
  });

  await t.test('Each event of administering users, groups and tokens records what changed', async (t) => {
    await chief.signIn('chief');
    const fields = { username: 'bob', name: 'Bob', email: null, active: true };
    const toBob: Expected = { ...byChief, targetKind: 'user', targetName: 'bob' };
    const bob = await expectEvent(t, 'user-created', { ...toBob, after: fields }, () =>
      chief.request('POST', '/api/users', { username: 'bob', name: 'Bob' }),
    );
    secrets.add(bob.reset.code);
    const reset = { code: bob.reset.code, password: NEW };
    await expectEvent(t, 'password-reset', { ...toBob, actorName: 'bob', via: 'code' }, () =>
      new Browser(app).request('POST', '/api/sign/reset', reset),
    );
    const changed = { before: { name: 'Bob' }, after: { name: 'Robert' } };
    await expectEvent(t, 'user-changed', { ...toBob, ...changed }, () =>
      chief.request('PATCH', `/api/users/${bob.id}`, { name: 'Robert', active: true }),
    );
    const issued = await expectEvent(t, 'code-issued', { ...toBob, after: { expiresAt: String } }, () =>
      chief.request('POST', `/api/users/${bob.id}/reset`),
    );
    secrets.add(issued.code);
    const made = { name: 'team', title: '', permissions: ['tea:make'] };
    const toTeam: Expected = { ...byChief, targetKind: 'group', targetName: 'team' };
    const team = await expectEvent(t, 'group-created', { ...toTeam, after: made }, () =>
      chief.request('POST', '/api/groups', { name: 'team', permissions: ['tea:make'] }),
    );
    const granted = { before: { permissions: ['tea:make'] }, after: { permissions: ['tea:drink'] } };
    await expectEvent(t, 'group-changed', { ...toTeam, ...granted }, () =>
      chief.request('PATCH', `/api/groups/${team.id}`, granted.after),
    );
    const membership = `/api/groups/${team.id}/members/${bob.id}`;
    const joined = { before: { group: 'team', role: null }, after: { group: 'team', role: 'member' } };
    await expectEvent(t, 'membership-set', { ...toBob, ...joined }, () =>
      chief.request('PUT', membership, { role: 'member' }),
    );
    await expectEvent(t, 'membership-removed', { ...toBob, before: joined.after }, () =>
      chief.request('DELETE', membership),
    );
    await expectEvent(t, 'sessions-ended', toBob, () =>
      chief.request('DELETE', `/api/users/${bob.id}/sessions`),
    );
    const token = { name: 'robot', scopes: ['*'], expiresAt: String };
    const toToken: Expected = { ...byChief, targetKind: 'token', targetName: 'robot' };
    const robot = hasTokens
      ? await expectEvent(t, 'token-created', { ...toToken, after: token }, () =>
          chief.request('POST', '/api/tokens', { name: 'robot', scopes: ['*'] }),
        )
      : undefined;
    if (robot) secrets.add(robot.secret);
    const headers = robot ? { authorization: `Bearer ${robot.secret}` } : {};
    const emails = { email: null, pendingEmail: null };
    const former = { before: { username: 'bob', name: 'Robert', ...emails, active: true } };
    const via = robot ? 'token' : 'session';
    await expectEvent(t, 'user-deleted', { ...toBob, via, ...former }, () =>
      (robot ? new Browser(app) : chief).request('DELETE', `/api/users/${bob.id}`, undefined, headers),
    );
    await expectEvent(
      t,
      'group-deleted',
      { ...toTeam, before: { name: 'team', permissions: ['tea:drink'] } },
      () => chief.request('DELETE', `/api/groups/${team.id}`),
    );
    if (robot)
      await expectEvent(t, 'token-ended', toToken, () => chief.request('DELETE', `/api/tokens/${robot.id}`));
    const eve = { username: 'eve', password: PASSWORD, email: 'eve@example.org' };
    await expectEvent(
      t,
      'signed-up',
      {
        actorName: 'eve',
        via: 'sign-up',
        targetName: 'eve',
        after: { email: null, pendingEmail: eve.email },
      },
      () => new Browser(app).request('POST', '/api/sign/up', eve),
    );
  });

  await t.test('The tests above cover every event, or the test of a blueprint names it', async (t) => {
    const folder = dirname(import.meta.dirname);
    const texts = globSync('*.test.ts', { cwd: folder }).map((file) =>
      readFileSync(join(folder, file), 'utf8'),
    );
    // What no request does stands in test/db/purge.test.ts, test/manage/restore.test.ts and test/manage/output.test.ts.
    for (const event of ['audit-purged', 'database-restored', 'code-withdrawn']) seen.add(event);
    for (const event of EVENTS)
      t.ok(seen.has(event) || texts.some((text) => new RegExp(`event=${event}\\b(?!-)`).test(text)), event);
  });

  await t.test('A request that changes nothing records no event', async (t) => {
    const before = await entries();
    const responses = [
      await chief.request('PATCH', `/api/users/${ann}`, { username: 'chief' }),
      await chief.request('PATCH', `/api/users/${ann}`, { name: 'x' }, { 'if-match': '"99"' }),
      await chief.request('DELETE', `/api/users/${(await chief.request('GET', '/api/sign')).json().user.id}`),
      await chief.request('POST', '/api/sign/reset', { code: [...secrets].at(-1), password: NEW }),
      await new Browser(app).request('POST', '/api/sign/out'),
    ];
    t.strictSame(
      responses.map(({ statusCode }) => statusCode),
      [409, 412, 409, 400, 204],
    );
    t.equal((await entries()).length, before.length);
  });

  await t.test('The audit trail and the log contain no password, cookie, token or code', async (t) => {
    const trail = JSON.stringify(await entries());
    const text = captured.lines.join('');
    t.ok(text.includes('request completed'), 'the log contains requests');
    t.ok(secrets.size > 10);
    for (const secret of secrets) {
      t.notOk(trail.includes(secret), 'the audit trail contains no secret');
      t.notOk(text.includes(secret), 'the log contains no secret');
    }
  });
});
