/**
 * What happens is told once, in the audit trail and in the log: who did what to whom, from where, and what was changed;
 * and nowhere is there anything that would let a reader in.
 */
import type { LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import { type AuditRow, EVENTS } from '../../db/queries/audit.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import { Client, makeUser, PASSWORD, quickHashing, startService } from '../support/service.ts';

const FROM = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'Browser/1.0' };
const WRONG = 'a password that is wrong';
const NEW = 'a password that is new';
const BEHIND_ALL = 'g';

/** The parts of an entry that differ from one to the other. */
type Told = Partial<Pick<AuditRow, 'actorName' | 'via' | 'targetKind' | 'targetName' | 'before' | 'after'>>;

onEachEngine('the events', async (t, engine) => {
  const written = makeLog();
  const { app } = await startService(t, engine, {
    hashing: quickHashing,
    log: written.log,
    settings: { TRUST_PROXY: true, SIGN_UP: 'open', LOG_LEVEL: 'trace' },
  });
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const secrets = new Set([PASSWORD, WRONG, NEW]);
  const seen = new Set<string>();

  /** A client whose requests come from elsewhere, and whose cookies are remembered as secrets. */
  class Browser extends Client {
    override async request(...[method, url, payload, headers]: Parameters<Client['request']>) {
      const response = await super.request(method, url, payload, { ...FROM, ...headers });
      const value = decodeURIComponent(this.cookie?.split('=')[1] ?? '');
      for (const part of value.split('.')) if (part !== '') secrets.add(part);
      return response;
    }
  }
  const [chief, browser] = [new Browser(app), new Browser(app)];
  const entries = () => app.db.audit.page({}, '', BEHIND_ALL, 1000);

  /** Does something, of which one entry and one line of the log must tell. @returns the answer, as JSON. */
  async function tells(
    t: Test,
    event: (typeof EVENTS)[number],
    told: Told,
    act: () => Promise<LightMyRequestResponse>,
  ) {
    const [before, linesBefore] = [await entries(), written.events().length];
    const response = await act();
    const [entry, ...others] = (await entries()).slice(0, -before.length || undefined);
    t.equal(others.length, 0, `${event} is told once`);
    t.match(entry, { event, address: '203.0.113.7', userAgent: 'Browser/1.0', requestId: /./, ...told });
    if (!told.before) t.equal(entry?.before, null);
    if (!told.after) t.equal(entry?.after, null);
    const lines = written.events().slice(linesBefore);
    t.equal(lines.length, 1, `${event} is in the log once`);
    const { address, userAgent, requestId, via } = entry ?? {};
    t.match(lines[0], { level: 30, event, address, userAgent, requestId, via });
    t.strictSame(lines[0]?.actor ?? null, entry?.actorId, 'with the user');
    seen.add(event);
    return response.payload === '' ? {} : response.json();
  }

  const byAnn: Told = { actorName: 'ann', via: 'session' };
  const byChief: Told = { actorName: 'chief', via: 'session' };
  const toAnn: Told = { targetKind: 'user', targetName: 'ann' };
  const confirm = (password: string) => browser.request('POST', '/api/sign/confirm', { password });
  const change = (current: string, password: string) =>
    browser.request('PUT', `/api/users/${ann}/password`, { current, password });

  await t.test('of a user who signs in and out are each told once', async (t) => {
    const byPassword = { actorName: 'ann', via: 'password' };
    await tells(t, 'signed-in', { ...byPassword, ...toAnn }, () => browser.signIn('ann'));
    await tells(t, 'sign-in-refused', { actorName: null, via: 'nobody', ...toAnn }, () =>
      new Browser(app).signIn('ann', WRONG),
    );
    await tells(t, 'sign-in-refused', { actorName: null, targetKind: null, targetName: null }, () =>
      new Browser(app).signIn(NEW, WRONG),
    );
    await tells(t, 'confirm-refused', { ...byAnn, ...toAnn }, () => confirm(WRONG));
    await tells(t, 'confirmed', { ...byAnn, ...toAnn }, () => confirm(PASSWORD));
    await tells(t, 'confirm-refused', { ...byAnn, ...toAnn }, () => change(WRONG, NEW));
    await tells(t, 'password-changed', { ...byAnn, ...toAnn }, () => change(PASSWORD, NEW));
    await tells(t, 'sessions-ended', { ...byAnn, ...toAnn }, () =>
      browser.request('DELETE', '/api/sessions'),
    );
    const other = new Browser(app);
    const { session } = (await other.signIn('ann', NEW)).json();
    await tells(t, 'session-ended', { ...byAnn, targetKind: 'session' }, () =>
      browser.request('DELETE', `/api/sessions/${session.id}`),
    );
    await tells(t, 'signed-out', { ...byAnn, targetKind: 'session' }, () =>
      browser.request('POST', '/api/sign/out'),
    );
    await new Browser(app).signIn('ann', NEW);
    for (let time = 0; time < 10; time++) await new Browser(app).signIn('ann', WRONG);
    await tells(t, 'throttled', { actorName: null }, () => new Browser(app).signIn('ann', WRONG));
    const before = await entries();
    await new Browser(app).signIn('ann', WRONG);
    t.equal((await entries()).length, before.length, 'being throttled is not told of again and again');
  });

  await t.test('of those who keep users, groups and tokens tell what was changed', async (t) => {
    await chief.signIn('chief');
    const fields = { username: 'bob', name: 'Bob', email: null, active: true };
    const toBob: Told = { ...byChief, targetKind: 'user', targetName: 'bob' };
    const bob = await tells(t, 'user-created', { ...toBob, after: fields }, () =>
      chief.request('POST', '/api/users', { username: 'bob', name: 'Bob' }),
    );
    secrets.add(bob.reset.code);
    const reset = { code: bob.reset.code, password: NEW };
    await tells(t, 'password-reset', { ...toBob, actorName: 'bob', via: 'code' }, () =>
      new Browser(app).request('POST', '/api/sign/reset', reset),
    );
    const changed = { before: { name: 'Bob' }, after: { name: 'Robert' } };
    await tells(t, 'user-changed', { ...toBob, ...changed }, () =>
      chief.request('PATCH', `/api/users/${bob.id}`, { name: 'Robert', active: true }),
    );
    const issued = await tells(t, 'code-issued', { ...toBob, after: { expiresAt: String } }, () =>
      chief.request('POST', `/api/users/${bob.id}/reset`),
    );
    secrets.add(issued.code);
    const made = { name: 'team', title: '', permissions: ['tea:make'] };
    const toTeam: Told = { ...byChief, targetKind: 'group', targetName: 'team' };
    const team = await tells(t, 'group-created', { ...toTeam, after: made }, () =>
      chief.request('POST', '/api/groups', { name: 'team', permissions: ['tea:make'] }),
    );
    const granted = { before: { permissions: ['tea:make'] }, after: { permissions: ['tea:drink'] } };
    await tells(t, 'group-changed', { ...toTeam, ...granted }, () =>
      chief.request('PATCH', `/api/groups/${team.id}`, granted.after),
    );
    const membership = `/api/groups/${team.id}/members/${bob.id}`;
    const joined = { before: { group: 'team', role: null }, after: { group: 'team', role: 'member' } };
    await tells(t, 'membership-set', { ...toBob, ...joined }, () =>
      chief.request('PUT', membership, { role: 'member' }),
    );
    await tells(t, 'membership-removed', { ...toBob, before: joined.after }, () =>
      chief.request('DELETE', membership),
    );
    await tells(t, 'sessions-ended', toBob, () => chief.request('DELETE', `/api/users/${bob.id}/sessions`));
    const token = { name: 'robot', scopes: ['*'], expiresAt: null };
    const toToken: Told = { ...byChief, targetKind: 'token', targetName: 'robot' };
    const { id, secret } = await tells(t, 'token-created', { ...toToken, after: token }, () =>
      chief.request('POST', '/api/tokens', { name: 'robot', scopes: ['*'] }),
    );
    secrets.add(secret);
    const authorization = `Bearer ${secret}`;
    const former = { before: { username: 'bob', name: 'Robert', email: null, active: true } };
    await tells(t, 'user-deleted', { ...toBob, via: 'token', ...former }, () =>
      new Browser(app).request('DELETE', `/api/users/${bob.id}`, undefined, { authorization }),
    );
    await tells(t, 'group-deleted', { ...toTeam, before: { name: 'team', permissions: ['tea:drink'] } }, () =>
      chief.request('DELETE', `/api/groups/${team.id}`),
    );
    await tells(t, 'token-ended', toToken, () => chief.request('DELETE', `/api/tokens/${id}`));
    const eve = { username: 'eve', password: PASSWORD };
    await tells(t, 'signed-up', { actorName: 'eve', via: 'sign-up', targetName: 'eve', after: {} }, () =>
      new Browser(app).request('POST', '/api/sign/up', eve),
    );
  });

  await t.test('are all that there are', async (t) => t.strictSame([...seen].sort(), [...EVENTS].sort()));

  await t.test('are not told where nothing happened', async (t) => {
    const before = await entries();
    const nothing = [
      await chief.request('PATCH', `/api/users/${ann}`, { username: 'chief' }),
      await chief.request('PATCH', `/api/users/${ann}`, { name: 'x' }, { 'if-match': '"99"' }),
      await chief.request('DELETE', `/api/users/${(await chief.request('GET', '/api/sign')).json().user.id}`),
      await chief.request('POST', '/api/sign/reset', { code: [...secrets].at(-1), password: NEW }),
      await new Browser(app).request('POST', '/api/sign/out'),
    ];
    t.strictSame(
      nothing.map(({ statusCode }) => statusCode),
      [409, 412, 409, 400, 204],
    );
    t.equal((await entries()).length, before.length);
  });

  await t.test('have no password, cookie, token or code', async (t) => {
    const trail = JSON.stringify(await entries());
    const text = written.lines.join('');
    t.ok(text.includes('request completed'), 'the log has every request');
    t.ok(secrets.size > 10);
    for (const secret of secrets) {
      t.notOk(trail.includes(secret), 'the trail');
      t.notOk(text.includes(secret), 'the log');
    }
  });
});
