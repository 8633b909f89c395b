/**
 * A rule that has read, and another request that is carried out before the rule writes: what was decided must hold at the moment of
 * writing. Chance would seldom bring the two together so, and here it is forced. See test/accounts/races.test.ts for chance.
 */
import { Readable } from 'node:stream';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { onEachEngine } from '../support/engines.ts';
import { INTERLEAVINGS, type Interleaving, type Make } from '../support/interleavings.ts';
import { CODES, LAST } from '../support/interleavings-codes.ts';
import { SESSIONS } from '../support/interleavings-sessions.ts';
import { startInProcess } from '../support/model-services.ts';
import { hasTokens } from '../support/optional.ts';
import { type Person, Stage } from '../support/stage.ts';

/** Carries that out when the app is first about to write what a rule has decided. @returns whether it came to that. */
function beforeWriting(t: Test, { db }: App, act: () => Promise<unknown>): () => boolean {
  const { atomically } = db;
  let hasActed = false;
  t.intercept(db, 'atomically', {
    value: async (steps: Parameters<typeof atomically>[0]) => {
      // A single step only notes or counts something.
      if (!hasActed && steps.length > 1) {
        hasActed = true;
        await act();
      }
      return atomically(steps);
    },
  });
  return () => hasActed;
}

/** The same when a rule is first about to read what the user holds whom it is about. */
function amidReading(t: Test, { db }: App, act: () => Promise<unknown>): () => boolean {
  const { rightsVersion } = db.users;
  let hasActed = false;
  t.intercept(db.users, 'rightsVersion', {
    value: async (id: string) => {
      if (!hasActed) {
        hasActed = true;
        await act();
      }
      return rightsVersion(id);
    },
  });
  return () => hasActed;
}

/** A body that is sent when the caller says so. */
function heldBody(body: object) {
  const { promise: isAwaited, resolve } = Promise.withResolvers<void>();
  const stream = new Readable({ read: () => resolve() });
  const send = () => {
    stream.push(JSON.stringify(body));
    stream.push(null);
  };
  return { stream, isAwaited, send };
}

onEachEngine('between the reading and the writing of a rule', async (t, engine) => {
  const { one, other, apps } = await startInProcess(t, engine);
  const [app] = apps;

  async function interleave(t: Test, make: Make): Promise<void> {
    const stage = await Stage.empty(one);
    const made: Interleaving = await make(stage);
    const { request, meanwhile, status, afterwards } = made;
    const elsewhere = stage.through(other);
    const force = made.amidReading ? amidReading : beforeWriting;
    const came = force(t, app, async () => {
      const answer = await meanwhile(elsewhere);
      t.ok(answer.status < 300, `the other request is carried out: ${answer.status} ${answer.body}`);
    });
    const answer = await request(stage);
    t.ok(came(), 'the other request came between');
    t.equal(answer.status, status, answer.body);
    if (afterwards) t.ok(await afterwards(elsewhere, answer), 'and so it is in the database');
    t.ok(await stage.hasAdministrator(), 'a user who can sign in holds *');
  }
  for (const [name, make] of Object.entries({ ...INTERLEAVINGS, ...SESSIONS, ...CODES, ...LAST }))
    await t.test(name, (t) => interleave(t, make));

  const heads = {
    'POST /api/users': () => ({ username: 'puppet' }),
    'POST /api/groups': () => ({ name: 'puppets', permissions: ['*'] }),
    ...(hasTokens ? { 'POST /api/tokens': () => ({ name: 'lasting', scopes: ['*'] }) } : {}),
  } as const;
  const ends: Record<string, (stage: Stage, caller: Person, group: string) => Promise<{ status: number }>> = {
    'is disabled': (stage, caller) => stage.disable(stage.chief, caller.id),
    'is removed': (stage, { id }) => stage.send(stage.chief, `DELETE /api/users/${id}`),
    'loses the session': (stage, { id }) => stage.send(stage.chief, `DELETE /api/users/${id}/sessions`),
    'loses every permission': (stage, caller, group) => stage.lose(group, caller),
  };
  for (const [what, end] of Object.entries(ends)) {
    await t.test(`a caller who ${what} before the body comes has nothing carried out (A10c)`, async (t) => {
      for (const [line, bodyOf] of Object.entries(heads)) {
        const stage = await Stage.empty(other);
        const caller = await stage.person();
        const group = await stage.group(['*'], [[caller.id, 'member']]);
        const { stream, isAwaited, send } = heldBody(bodyOf());
        const headers = {
          cookie: caller.cookie,
          'content-type': 'application/json',
          'transfer-encoding': 'chunked',
        };
        const answer = app.inject({
          method: 'POST',
          url: line.split(' ')[1] ?? '',
          headers,
          payload: stream,
        });
        await isAwaited;
        t.ok((await end(stage, caller, group)).status < 300);
        const before = await other.operator.state();
        send();
        const { statusCode, payload } = await answer;
        t.equal(statusCode, what === 'loses every permission' ? 403 : 401, `${line}: ${payload}`);
        t.strictSame(await other.operator.state(), before);
      }
    });
  }
});
