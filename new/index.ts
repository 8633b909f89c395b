/**
 * npm run new -- blueprint NAME [ONE]: writes the files of a blueprint with a table of its own, and adds it to the list of parts.
 * docs/blueprints.md goes on from there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { PROJECT_ROOT } from '../config/project.ts';

const WORD = /^[a-z]+$/;
/** In letters: what an audit event is about is stored in a short column. */
const LONGEST = 16;
/** The words that JavaScript keeps for itself, and what the files of a blueprint use for something else. */
const TAKEN = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public ' +
    'return static super switch this throw true try typeof var void while with yield body id instant page shown type'
  ).split(' '),
);

/** The template of each file of a blueprint. In both, sample and samples stand for its names. */
const FILES = {
  'db/schema/samples.ts': 'schema',
  'db/queries/samples.ts': 'queries',
  'accounts/samples.ts': 'rule',
  'schemas/samples.ts': 'response',
  'routes/api/samples/index.ts': 'route',
  'test/routes/samples.test.ts': 'test',
};

/**
 * The lists that name each part, and what is added: before the line that begins with `before`, or at the end of the file if that is
 * empty.
 */
const LISTS = [
  { file: 'db/schema/parts.ts', before: '', add: "export * as samples from './samples.ts';\n" },
  {
    file: 'docs/migrations.md',
    before: 'GRANT SELECT, INSERT, UPDATE, DELETE ON rollcall.users ',
    add: 'GRANT SELECT, INSERT, UPDATE, DELETE ON rollcall.samples TO rollcall;\n',
  },
];

/** The names of a blueprint: that of all and that of one of its things. */
interface Names {
  many: string;
  one: string;
}

/** Something is there already, or a name can't be used. */
class RefusedError extends Error {}

/** @returns the singular of a plain English plural, or undefined when it is not that plain. */
function singularOf(many: string): string | undefined {
  return /s$/.test(many) && !/(?:ies|is|ss|us|ws|[sxz]es|ches|shes)$/.test(many)
    ? many.slice(0, -1)
    : undefined;
}

/** @throws {RefusedError} */
function namesOf(many: string, given: string | undefined): Names {
  const one = given ?? singularOf(many);
  if (one === undefined)
    throw new RefusedError(
      `What is one of ${many}? Give it as the second name: npm run new -- blueprint ${many} ONE`,
    );
  for (const name of [many, one]) {
    if (!WORD.test(name))
      throw new RefusedError(`The name ${name} must be one word of lower-case letters, such as notes.`);
    if (name.length > LONGEST)
      throw new RefusedError(`The name ${name} is longer than ${LONGEST} letters. Choose a shorter one.`);
    // String, Date and the like would hide JavaScript's own.
    if (TAKEN.has(name) || name in globalThis || capital(name) in globalThis)
      throw new RefusedError(`The name ${name} means something else in the code. Choose another one.`);
  }
  if (many === one) throw new RefusedError('The name of all and the name of one must differ.');
  return { many, one };
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** @returns the text with the blueprint's names in it. */
function fill(text: string, { many, one }: Names): string {
  const names: Record<string, string> = { samples: many, sample: one };
  return text.replace(/samples?/gi, (word) => {
    const name = names[word.toLowerCase()] ?? word;
    if (word === word.toUpperCase()) return name.toUpperCase();
    return word.startsWith('S') ? capital(name) : name;
  });
}

/** @returns the file with the addition. @throws {RefusedError} when it has no place for it. */
function extended({ file, before, add }: (typeof LISTS)[number]): string {
  const text = readFileSync(join(PROJECT_ROOT, file), 'utf8');
  const at = before === '' ? text.length : text.lastIndexOf(before);
  if (text.includes(add)) throw new RefusedError(`${file} has this already: ${add.trim()}`);
  if (at < 0) throw new RefusedError(`${file} has no place for ${add.trim()}: there is no ${before}in it.`);
  return text.slice(0, at) + add + text.slice(at);
}

function makeBlueprint(many: string, given: string | undefined): void {
  const names = namesOf(many, given);
  const files = Object.entries(FILES).map(([file, template]): [string, string] => [
    fill(file, names),
    fill(readFileSync(join(import.meta.dirname, 'templates', `${template}.txt`), 'utf8'), names),
  ]);
  for (const [file] of files)
    if (existsSync(join(PROJECT_ROOT, file))) throw new RefusedError(`There is a file ${file} already.`);
  const formatter = join(PROJECT_ROOT, 'node_modules/@biomejs/biome/bin/biome');
  if (!existsSync(formatter))
    throw new RefusedError('This needs the packages of development: run "npm ci" without --omit=dev.');
  const changed = LISTS.map((list): [string, string] => [
    list.file,
    extended({ ...list, add: fill(list.add, names) }),
  ]);
  for (const [file, text] of [...files, ...changed]) {
    mkdirSync(dirname(join(PROJECT_ROOT, file)), { recursive: true });
    writeFileSync(join(PROJECT_ROOT, file), text);
  }
  const written = [...files, ...changed].map(([file]) => file).filter((file) => file.endsWith('.ts'));
  execFileSync(process.execPath, [formatter, 'check', '--write', ...written], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const lines = [
    ...files.map(([file]) => `wrote ${file}`),
    ...changed.map(([file]) => `added it to ${file}`),
    'Next: change these files as you need them; then make the migration, and the description of the API:',
    `  npm run manage -- db revision ${many}`,
    '  npm run openapi',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const program = new Command()
  .name('npm run new --')
  .description('Writes the first files of a new part of the service.')
  .showHelpAfterError('Add --help to see how it is called.');
program
  .command('blueprint')
  .description('write a blueprint with a table of its own (see docs/blueprints.md)')
  .argument('<name>', 'what it is about, in the plural, such as notes; /api/NAME is its prefix')
  .argument('[one]', 'the singular, where it is not the plural without its s')
  .action(makeBlueprint);
try {
  program.parse();
} catch (error) {
  if (!(error instanceof RefusedError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
