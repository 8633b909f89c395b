/** Reads the migrations' files. drizzle-kit writes the journal and NAME.sql; NAME.down.sql is ours, and reverts it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';

export type Dialect = Engine['dialect'];

export const DIALECTS = ['sqlite', 'mysql'] as const satisfies Dialect[];
export type Direction = 'up' | 'down';

export interface Migration {
  /** The file's name without its extension, such as 0003_add_title. */
  name: string;
  /** When it was generated, in milliseconds since 1970. It identifies the migration in the database. */
  when: number;
  /** The SHA-256 of its file. */
  hash: string;
  up: string[];
  /** Undefined when NAME.down.sql is missing. */
  down: string[] | undefined;
  /** The directions whose files contain LOSES_DATA. */
  losesData: Direction[];
  /** The directions whose files contain NEEDS_HAND. */
  needsHand: Direction[];
}

/** Begins the comment that lists what a file deletes. */
export const LOSES_DATA = '-- loses data:';
/** Begins the comment that lists what must be written by hand before the file can run. */
export const NEEDS_HAND = '-- needs a hand:';
const BREAKPOINT = '--> statement-breakpoint';

/** Stands among the statements of a migration for its data step (see data.ts). */
export const DATA_STEP = '-- data step';

export function migrationsFolder(dialect: Dialect): string {
  return join(import.meta.dirname, '../migrations', dialect);
}

/** The folder of the data steps, which both dialects share. */
export function dataFolder(): string {
  return join(import.meta.dirname, '../migrations/data-steps');
}

/** @returns the migrations in the order of the journal. @throws {Error} when a file is missing. */
export function readMigrations(dialect: Dialect): Migration[] {
  const read = (file: string) => readFileSync(join(migrationsFolder(dialect), file), 'utf8');
  const journal: { entries: { tag: string; when: number }[] } = JSON.parse(read('meta/_journal.json'));
  return journal.entries.map(({ tag, when }) => {
    const up = read(`${tag}.sql`);
    const dataStep = existsSync(join(dataFolder(), `${tag}.ts`)) ? [DATA_STEP] : [];
    const down = existsSync(join(migrationsFolder(dialect), `${tag}.down.sql`))
      ? read(`${tag}.down.sql`)
      : undefined;
    return {
      name: tag,
      when,
      hash: createHash('sha256').update(up).digest('hex'),
      up: [...splitStatements(up), ...dataStep],
      down: down === undefined ? undefined : [...dataStep, ...splitStatements(down)],
      losesData: findDirections(LOSES_DATA, up, down),
      needsHand: findDirections(NEEDS_HAND, up, down),
    };
  });
}

function findDirections(mark: string, up: string, down = ''): Direction[] {
  return [...(up.includes(mark) ? ['up' as const] : []), ...(down.includes(mark) ? ['down' as const] : [])];
}

/** Parts that hold only comments are left out, because engines reject an empty statement. */
function splitStatements(text: string): string[] {
  const parts = text.split(BREAKPOINT).map((part) => part.trim());
  return parts.filter((part) => part.replace(/^\s*--.*$/gm, '').trim() !== '');
}

/** @returns the name that the developer has given to the migration, without its number. */
export function givenNameOf({ name }: Pick<Migration, 'name'>): string {
  return name.replace(/^\d+_/, '');
}

/**
 * @returns the names of all tables that the migrations create, or that they give to a table, in lower case. Tables of other names are
 * another program's.
 */
export function tablesOf(migrations: Migration[]): Set<string> {
  const naming =
    /\b(?:CREATE\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?|RENAME\s+TO|RENAME\s+TABLE\s+\S+\s+TO)\s+[`"]?(\w+)/gi;
  const statements = migrations.flatMap(({ up, down = [] }) => [...up, ...down]);
  const found = statements.flatMap((statement) => [...statement.matchAll(naming)]);
  return new Set(found.map(([, name = '']) => name.toLowerCase()));
}

export function joinStatements(statements: string[]): string {
  return `${statements.join(`${BREAKPOINT}\n`)}\n`;
}
