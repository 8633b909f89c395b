/**
 * The matrix of fields: who may set each, who may see each, and that nothing else of what the database keeps can be set
 * or seen by anybody.
 */
import { groups, memberships, sessions, tokens, users } from '../db/schema/index.sqlite.ts';
import { CALLERS, setScene } from './support/cast.ts';
import { onEachEngine } from './support/engines.ts';
import { SEEING, SETTING } from './support/fields.ts';
import { routesDuring } from './support/routes.ts';
import { prepare, routeOf } from './support/rows.ts';
import { quickHashing, startService } from './support/service.ts';

/** @returns the names of all fields, those of a thing inside another behind its name. */
function fieldsOf(thing: object, prefix = ''): string[] {
  const names = Object.entries(thing).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? fieldsOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
  return names.sort();
}

const propertiesOf = (schema: unknown) =>
  typeof schema === 'object' && schema !== null && 'properties' in schema && schema.properties
    ? Object.keys(schema.properties)
    : [];

/** What the database keeps of each thing, and other names that somebody may try. */
const KEPT = [users, groups, memberships, sessions, tokens].flatMap((table) => Object.keys(table));
const TRIED = new Set([...KEPT, 'role', 'groups', 'members', 'isAdmin', 'user', '__proto__', 'constructor']);

onEachEngine('the fields', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;
  const taking = routes.flatMap(({ method, url, schema }) => {
    const fields = propertiesOf(schema?.body);
    return fields.length > 0 ? [{ name: `${method} ${url.replace(/(?<=.)\/$/, '')}`, fields }] : [];
  });

  t.test('that a body may have are all in the table', async (t) => {
    t.ok(taking.length > 10);
    for (const { name, fields } of taking) {
      const bodies = SETTING.filter((row) => routeOf(row) === name).map(({ body = '{}' }) =>
        JSON.parse(body),
      );
      t.strictSame([...new Set(bodies.flatMap((body) => Object.keys(body)))].sort(), fields.sort(), name);
    }
  });

  for (const row of SETTING) {
    t.test(`are set by those who may: ${row.method} ${row.path} ${row.body}`, async (t) => {
      for (const caller of CALLERS) {
        const send = await prepare(app, row, caller);
        const response = await send();
        t.equal(response.statusCode, row.status(caller), `${caller}: ${response.payload}`);
      }
    });
  }

  t.test('that nobody may set are refused, not dropped', async (t) => {
    for (const { name, fields } of taking) {
      const row = SETTING.find((each) => routeOf(each) === name);
      if (!row) throw new Error(`${name} is in the table`);
      const caller = CALLERS.find((each) => each !== 'anonymous' && row.status(each) < 300) ?? 'member';
      for (const field of [...TRIED].filter((each) => !fields.includes(each))) {
        const body = `${row.body?.slice(0, -1)},${JSON.stringify(field)}:null}`;
        const response = await (await prepare(app, { ...row, body }, caller))();
        t.equal(response.statusCode, 400, `${name} with ${field}: ${response.statusCode}`);
      }
    }
  });

  for (const { fields, row } of SEEING) {
    if (!row) throw new Error('a row of the table can not be read');
    t.test(`are seen by those who may: ${row.method} ${row.path}`, async (t) => {
      for (const caller of CALLERS) {
        const response = await (await prepare(app, row, caller))();
        t.equal(response.statusCode, row.status(caller), caller);
        if (response.statusCode !== 200) continue;
        const answer = response.json();
        const things: object[] = answer.items ?? [answer];
        t.ok(things.length > 0);
        for (const thing of things) t.strictSame(fieldsOf(thing), fields);
      }
    });
  }

  t.test('of tokens and sessions are shown to their owners alone, and secrets once', async (t) => {
    const { names, send } = await setScene(app, 'member', 'tea:make');
    const stranger = await setScene(app, 'administrator', 'tea:make');
    for (const url of ['/api/tokens', '/api/sessions']) {
      const own = (await send({ method: 'GET', url })).payload;
      const others = (await stranger.send({ method: 'GET', url })).payload;
      const id = names[url.slice('/api/'.length, -1)] ?? 'nothing';
      t.match(own, id);
      t.notMatch(others, id);
    }
    const made = await send({ method: 'POST', url: '/api/tokens', payload: { name: 'new' } });
    const { secret, ...shown } = made.json();
    t.match(secret, /^rc_/);
    t.notMatch((await send({ method: 'GET', url: '/api/tokens' })).payload, secret);
    t.strictSame(Object.keys(shown).sort(), ['createdAt', 'expiresAt', 'id', 'lastUsedAt', 'name', 'scopes']);
  });
});
