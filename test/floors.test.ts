/**
 * The code stands on floors, and imports go down. One that goes up, or round in a circle, makes a part that can no longer be read,
 * tested or left out by itself. This test reads all imports and says for each wrong one what to do instead.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'tap';

const PROJECT = dirname(import.meta.dirname);

/** From the ground. A file belongs to the floor of its topmost folder, or of its name when it lies in none. */
const FLOORS = [
  'config compile-cache',
  'db',
  'accounts',
  'schemas mail',
  'plugins',
  'routes',
  'app',
  'cluster',
  'server',
];
/** What stands beside the upper floors, and on which floor. Only its own files import it. */
const ANNEXES: Record<string, string> = { manage: 'schemas', 'drizzle.config': 'db', new: 'config' };
const FRAMEWORK = /^(@fastify\/.*|(fastify|fastify-plugin|commander|typebox|pino)(\/.*)?)$/;
const WITHOUT_FRAMEWORK: Record<string, string> = {
  db: 'queries know no framework; take plain values and give plain rows.',
  accounts: 'rules know no framework; pass plain values from the handler.',
};
const MAX_LINES = 250;

/** Static, dynamic and type imports, `export … from`, and `require`. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"`]([^'"`]+)['"`]/g;

/** What each file imports, as it is written there. */
type Imports = Record<string, string[]>;

const importsOf = (text: string) => [...text.matchAll(IMPORT)].map(([, name = '']) => name);
const floorOf = (file: string) => (file.split('/')[0] ?? '').replace(/\.\w+$/, '');
const height = (floor: string) => FLOORS.findIndex((names) => names.split(' ').includes(floor));
const isFloor = (name: string) => height(name) >= 0 || name in ANNEXES;
/** @returns the file that is meant, or undefined for a package or for what is no code. */
const resolve = (file: string, name: string) =>
  /^\..*\.[jt]s$/.test(name) ? posix.join(posix.dirname(file), name) : undefined;

/** @returns why the file must not import that, and what to do instead; undefined when it may. */
function objection(file: string, name: string): string | undefined {
  const floor = floorOf(file);
  const target = resolve(file, name);
  if (!target) return FRAMEWORK.test(name) ? WITHOUT_FRAMEWORK[floor] : undefined;
  const below = floorOf(target);
  if (!isFloor(floor)) return undefined;
  if (!isFloor(below)) return `${below} stands on no floor; move what is needed into one.`;
  if (below === floor && floor !== 'routes') return undefined;
  if (floor === 'routes' && below === 'plugins')
    return 'blueprints use what plugins decorate; decorate the app with it, or move it down into accounts/ or schemas/.';
  if (floor === 'routes' && below === 'routes')
    return posix.dirname(target) === posix.dirname(file)
      ? undefined
      : 'it is of another blueprint; move what both need down into accounts/ or schemas/.';
  if (file === 'manage/commands/openapi.ts' && target === 'app.ts') return undefined;
  if (below in ANNEXES)
    return `nothing stands on ${below}; move what is needed down into accounts/ or config/.`;
  if (height(below) <= height(ANNEXES[floor] ?? floor)) return undefined;
  return `${below} stands above ${floor}; move what is needed down into ${floor} or a floor below.`;
}

/** @returns the circles of imports, each as the files on the way round. */
function circles(imports: Imports): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (file: string, way: string[]) => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file]);
    if (way.includes(file) || done.has(file)) return;
    for (const name of imports[file] ?? []) {
      const target = resolve(file, name);
      if (target) walk(target, [...way, file]);
    }
    done.add(file);
  };
  for (const file of Object.keys(imports)) walk(file, []);
  return found;
}

/** @returns a sentence for each import that must not be. */
function faultsOf(imports: Imports): string[] {
  const files = Object.keys(imports);
  return [
    ...files
      .filter((file) => !isFloor(floorOf(file)))
      .map(
        (file) => `${file} stands on no floor: move it to one, or add its folder to those of floors.test.ts.`,
      ),
    ...files.flatMap((file) =>
      (imports[file] ?? []).flatMap((name) => {
        const why = objection(file, name);
        return why ? `${file} imports ${resolve(file, name) ?? name}: ${why}` : [];
      }),
    ),
    ...circles(imports).map(
      (way) =>
        `${way[0]} imports itself by way of others (${way.join(' → ')}): move what they share into a new file.`,
    ),
  ];
}

/** The project's own code, file by file, without what tests and measures it. */
const texts: Record<string, string> = {};
const LEFT_OUT = /^(node_modules|test|bench|data|docs|\..+)$/;
for (const found of globSync('**/*.{ts,js}', { cwd: PROJECT, exclude: (name) => LEFT_OUT.test(name) })) {
  texts[found.replaceAll('\\', '/')] = readFileSync(join(PROJECT, found), 'utf8');
}

test('no import goes up a floor, to another blueprint, to a framework or round in a circle', async (t) => {
  const imports = Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, importsOf(text)]));
  t.ok(Object.values(imports).flat().length > 100, 'the imports were found');
  for (const sentence of faultsOf(imports)) t.fail(sentence);
});

test(`no file has more than ${MAX_LINES} lines`, async (t) => {
  for (const [file, text] of Object.entries(texts)) {
    const lines = text.split('\n').length - 1;
    if (lines > MAX_LINES)
      t.fail(`${file} has ${lines} lines: split it by what its parts do; ${MAX_LINES} are the most.`);
  }
});

test('every way to write an import is read', async (t) => {
  const text = `import { a } from 'one';\nimport type B from "two";\nimport {\n  c,\n} from './three.ts';\nimport 'four';
    export * from 'five';\nexport { type d } from 'six';\nconst e = await import('seven');\nlet f: import('eight').F;
    const g = require('nine');\nBuffer.from('no');`;
  t.same(importsOf(text), ['one', 'two', './three.ts', 'four', 'five', 'six', 'seven', 'eight', 'nine']);
});

const WRONG = `
accounts/users.ts imports fastify: rules know no framework; pass plain values from the handler.
accounts/passwords/queue.ts imports @fastify/cookie: rules know no framework; pass plain values from the handler.
accounts/users.ts imports typebox/compile: rules know no framework; pass plain values from the handler.
db/database.ts imports commander: queries know no framework; take plain values and give plain rows.
config/load.ts imports db/ids.ts: db stands above config; move what is needed down into config or a floor below.
accounts/a.ts imports schemas/a.ts: schemas stands above accounts; move what is needed down into accounts or a floor below.
accounts/a.ts imports mail/a.ts: mail stands above accounts; move what is needed down into accounts or a floor below.
schemas/a.ts imports plugins/b/a.ts: plugins stands above schemas; move what is needed down into schemas or a floor below.
plugins/auth/a.ts imports app.ts: app stands above plugins; move what is needed down into plugins or a floor below.
app.ts imports cluster/drain.ts: cluster stands above app; move what is needed down into app or a floor below.
cluster/serve.ts imports server.ts: server stands above cluster; move what is needed down into cluster or a floor below.
cluster/serve.ts imports manage/lists.ts: nothing stands on manage; move what is needed down into accounts/ or config/.
manage/users.ts imports plugins/a.ts: plugins stands above manage; move what is needed down into manage or a floor below.
manage/users.ts imports app.ts: app stands above manage; move what is needed down into manage or a floor below.
routes/api/users/a.ts imports plugins/a.ts: blueprints use what plugins decorate; decorate the app with it, or move it down into accounts/ or schemas/.
routes/api/a/a.ts imports routes/api/b/b.ts: it is of another blueprint; move what both need down into accounts/ or schemas/.
routes/api/a/a.ts imports routes/index.ts: it is of another blueprint; move what both need down into accounts/ or schemas/.
app.ts imports test/support/log.ts: test stands on no floor; move what is needed into one.
`;

test('each kind of wrong import is found, in one sentence that says what to do', async (t) => {
  for (const sentence of WRONG.trim().split('\n')) {
    const [, file = '', target = ''] = /^(\S+) imports (\S+):/.exec(sentence) ?? [];
    const name = target.endsWith('.ts') ? `./${posix.relative(posix.dirname(file), target)}` : target;
    t.same(faultsOf({ [file]: [name, 'node:path'] }), [sentence]);
  }
  t.same(faultsOf({ 'helpers/a.ts': ['../config/load.ts'] }), [
    'helpers/a.ts stands on no floor: move it to one, or add its folder to those of floors.test.ts.',
  ]);
  t.same(faultsOf({ 'db/a.ts': ['./b/b.ts'], 'db/b/b.ts': ['../c.ts'], 'db/c.ts': ['./a.ts'] }), [
    'db/a.ts imports itself by way of others (db/a.ts → db/b/b.ts → db/c.ts → db/a.ts): move what they share into a new file.',
  ]);
});

test('imports that stay or go down are let pass', async (t) => {
  const right: Imports = {
    'schemas/a.ts': ['typebox', '../db/queries/users.ts', '../accounts/errors.ts', './b.ts'],
    'routes/api/a/index.ts': ['fastify', './b.ts', '../../../accounts/a.ts', '../../../package.json'],
    'manage/commands/openapi.ts': ['commander', '../../app.ts', '../../schemas/a.ts'],
    'manage.ts': ['./manage/program.ts', './config/load.ts'],
    'server.ts': ['./cluster/start.ts', './app.ts'],
    'accounts/a.ts': ['node:crypto', '../db/database.ts', '../config/load.ts'],
  };
  t.same(faultsOf(right), []);
});
