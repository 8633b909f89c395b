/**
 * The matrix of fields: which callers may set and see each field. No caller can set or see any other column of the
 * database.
 */
import { sqliteColumnTypes } from '../../db/schema/column-types.sqlite.ts';
import { defineTables } from '../../db/schema/tables.ts';
import { CALLERS, type Caller, setScene } from '../support/cast.ts';
import { onEachEngine } from '../support/engines.ts';
import { SEEING, SETTING } from '../support/fields.ts';
import { hasTokens, isThere } from '../support/optional.ts';
import { parse } from '../support/request.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { fillBody, filler, prepare, routeOf, routesToList } from '../support/rows.ts';
import { quickHashing, startService } from '../support/service.ts';

/** @returns the names of all fields. Nested fields have the name of their parent as prefix. */
function fieldsOf(item: object, prefix = ''): string[] {
  const names = Object.entries(item).flatMap(([name, value]: [string, unknown]) =>
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

/** The columns of the tables, and further names that an attacker may try. */
const COLUMNS = Object.values(defineTables(sqliteColumnTypes)).flatMap((table) => Object.keys(table));
const ATTEMPTED = new Set([
  ...COLUMNS,
  'role',
  'groups',
  'members',
  'isAdmin',
  'user',
  '__proto__',
  'constructor',
]);

onEachEngine('Fields are set and seen as the matrix of fields says', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;
  const listed = new Set(routesToList(SETTING, namesOf(routes)));
  const routesWithBody = routes.flatMap((route) => {
    const fields = propertiesOf(route.schema?.body);
    const [name = ''] = namesOf([route]);
    return listed.has(name) && fields.length > 0 ? [{ name, fields }] : [];
  });

  t.test('The matrix lists every field of every request body', async (t) => {
    t.ok(routesWithBody.length > (hasTokens ? 10 : 9));
    for (const { name, fields } of routesWithBody) {
      const bodies = SETTING.filter((row) => routeOf(row) === name).map(({ body = {} }) => body);
      t.strictSame([...new Set(bodies.flatMap((body) => Object.keys(body)))].sort(), fields.sort(), name);
    }
  });

  for (const row of SETTING) {
    t.test(
      `${row.send} ${JSON.stringify(row.body)} answers each caller with the status in the matrix`,
      async (t) => {
        for (const caller of CALLERS) {
          const send = await prepare(app, row, caller);
          const response = await send();
          t.equal(response.statusCode, row.answers[caller], `${caller}: ${response.payload}`);
        }
      },
    );
  }

  t.test('A body with an unknown field answers 400', async (t) => {
    for (const { name, fields } of routesWithBody) {
      const row = SETTING.find((each) => routeOf(each) === name);
      if (!row) throw new Error(`The matrix has no row for ${name}.`);
      const caller = CALLERS.find((each) => each !== 'anonymous' && row.answers[each] < 300) ?? 'member';
      // Nothing is changed, so that one scene serves for all.
      const { names, send } = await setScene(app, caller, row.permission ?? 'tea:make');
      const fill = filler(names);
      const { method, path } = parse(row.send);
      for (const field of [...ATTEMPTED].filter((each) => !fields.includes(each))) {
        // A computed name, or __proto__ would set the prototype.
        const payload = fillBody({ ...row.body, [field]: null }, fill);
        const response = await send({ method, url: fill(path), payload });
        t.equal(response.statusCode, 400, `${name} with ${field} answers ${response.statusCode}`);
      }
    }
  });

  for (const { send: line, permission, fields, own = '', more = '', all = '', answers } of SEEING) {
    const holders: Caller[] = permission === undefined ? [] : ['holder', 'token'];
    t.test(
      `${line} shows the fields in the matrix, and more to holders of ${permission ?? 'everything'}`,
      async (t) => {
        for (const caller of CALLERS) {
          const { names, send } = await setScene(app, caller, permission ?? 'tea:make');
          const response = await send({ method: 'GET', url: filler(names)(parse(line).path) });
          t.equal(response.statusCode, answers[caller], caller);
          if (response.statusCode !== 200) continue;
          const body = response.json();
          const items: { id?: string }[] = body.items ?? [body];
          t.ok(items.length > 0);
          for (const item of items) {
            const isOwn = item.id === names.caller && !caller.startsWith('token');
            const shown = [fields, isOwn && own, holders.includes(caller) && more];
            if (caller === 'administrator') shown.push(all);
            const expected = new Set(shown.filter(Boolean).join(' ').trim().split(/ +/));
            t.strictSame(fieldsOf(item), [...expected].sort(), caller);
          }
        }
      },
    );
  }

  t.test(
    'Tokens and sessions are shown to their owner only, and the secret of a token only once',
    async (t) => {
      const { names, send } = await setScene(app, 'member', 'tea:make');
      const stranger = await setScene(app, 'administrator', 'tea:make');
      for (const url of ['/api/tokens', '/api/sessions'].filter(isThere)) {
        const own = (await send({ method: 'GET', url })).payload;
        const others = (await stranger.send({ method: 'GET', url })).payload;
        const id = names[url.slice('/api/'.length, -1)] ?? 'nothing';
        t.match(own, id);
        t.notMatch(others, id);
      }
      if (!hasTokens) return;
      const made = await send({ method: 'POST', url: '/api/tokens', payload: { name: 'new' } });
      const { secret, ...shown } = made.json();
      t.match(secret, /^rc_/);
      t.notMatch((await send({ method: 'GET', url: '/api/tokens' })).payload, secret);
      t.strictSame(Object.keys(shown).sort(), [
        'createdAt',
        'expiresAt',
        'id',
        'lastUsedAt',
        'name',
        'scopes',
      ]);
    },
  );
});
