/**
 * The migrations as files. drizzle-kit writes NAME.sql and keeps the journal; beside each lies NAME.down.sql, which
 * takes it back. Statements are set apart by drizzle-kit's breakpoints.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engines/engine.ts';

export type Dialect = Engine['dialect'];
export type Direction = 'up' | 'down';

export interface Migration {
  /** The file's name without its ending, such as 0003_add_title. */
  name: string;
  /** When it was generated, in milliseconds since 1970; by this the database remembers it. */
  when: number;
  /** The SHA-256 of its file. */
  hash: string;
  up: string[];
  /** Undefined when there is no file that takes it back. */
  down: string[] | undefined;
  /** In which directions data is lost, as the files say (see LOSES_DATA). */
  losesData: Direction[];
  /** In which directions something must still be written by hand, as the files say (see NEEDS_HAND). */
  needsHand: Direction[];
}

/** The beginning of the comment in a file that says what is lost by it. */
export const LOSES_DATA = '-- loses data:';
/** The beginning of the comment in a file that says what must be written by hand before it can be run. */
export const NEEDS_HAND = '-- needs a hand:';
const BREAKPOINT = '--> statement-breakpoint';

/** What drizzle-kit notes of the migrations that it generated. */
interface Journal {
  entries: { tag: string; when: number }[];
}

/** @returns the folder of the dialect's migrations. */
export function migrationsFolder(dialect: Dialect): string {
  return join(import.meta.dirname, '../migrations', dialect);
}

/** @returns the migrations of the dialect in the order of their journal. @throws when a file is missing. */
export function readMigrations(dialect: Dialect, folder = migrationsFolder(dialect)): Migration[] {
  const journal: Journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8'));
  return journal.entries.map(({ tag, when }) => {
    const up = readFileSync(join(folder, `${tag}.sql`), 'utf8');
    const downFile = join(folder, `${tag}.down.sql`);
    const down = existsSync(downFile) ? readFileSync(downFile, 'utf8') : undefined;
    return {
      name: tag,
      when,
      hash: createHash('sha256').update(up).digest('hex'),
      up: statements(up),
      down: down === undefined ? undefined : statements(down),
      losesData: directionsWith(LOSES_DATA, up, down),
      needsHand: directionsWith(NEEDS_HAND, up, down),
    };
  });
}

function directionsWith(mark: string, up: string, down = ''): Direction[] {
  return [...(up.includes(mark) ? ['up' as const] : []), ...(down.includes(mark) ? ['down' as const] : [])];
}

/** The statements of a file; a part that is nothing but comments is none. */
function statements(text: string): string[] {
  return text
    .split(BREAKPOINT)
    .map((part) => part.trim())
    .filter((part) => part.replace(/^\s*--.*$/gm, '').trim() !== '');
}

/** @returns the text of a file with these statements. */
export function fileText(parts: string[]): string {
  return `${parts.join(`${BREAKPOINT}\n`)}\n`;
}
