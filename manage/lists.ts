/** How commands print lists: all rows, read page by page, one a line. */
import type { Command } from 'commander';
import type { Database } from '../db/database.ts';
import type { AuditFilter } from '../db/queries/audit.ts';
import type { UserRow } from '../db/queries/users.ts';
import { idRange } from '../schemas/audit.ts';
import { outputFailure, print } from './terminal.ts';

/** How many rows are read at a time. */
const PAGE = 500;

/** Adds the option --json to a command that prints a list. */
export function withJson(command: Command): Command {
  return command.option('--json', 'one JSON object a line, as in the API', false);
}

/**
 * Reads all rows, or so many, by key ranges.
 * @param page gives at most `limit` rows whose ids follow `after`, or undefined when their owner is gone.
 */
export async function* everyRow<Row extends { id: string }>(
  page: (after: string, limit: number) => Promise<Row[] | undefined>,
  atMost = Number.POSITIVE_INFINITY,
): AsyncGenerator<Row> {
  let after = '';
  for (let left = atMost; left > 0; ) {
    const limit = Math.min(left, PAGE);
    const rows = (await page(after, limit)) ?? [];
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < limit) return;
    after = last.id;
    left -= limit;
  }
}

/** Reads the users whose username, name or e-mail address begins with it. */
export async function* usersBeginningWith(db: Database, q: string): AsyncGenerator<UserRow> {
  let after: { key: string; id: string } | undefined;
  do {
    const { rows, next } = await db.userSearch.beginningWith(q, { byEmail: true }, after, PAGE);
    yield* rows;
    after = next ?? undefined;
  } while (after);
}

/**
 * Reads the audit trail, the newest entry first.
 * @param from the first time and @param to the end, exclusive, if there is a limit. @param atMost how many entries.
 */
export function auditRows(
  db: Database,
  filter: AuditFilter,
  { from, to, atMost }: { from?: string | undefined; to?: string | undefined; atMost?: number } = {},
) {
  const range = idRange(from, to);
  return everyRow((after, limit) => db.audit.page(filter, range.from, after || range.before, limit), atMost);
}

/** Prints a line for each row. @param show the row as the API shows it. @param formatRow the line for people. */
export async function printEach<Row, Shown>(
  rows: AsyncIterable<Row>,
  { json }: { json: boolean },
  show: (row: Row) => Shown,
  formatRow: (shown: Shown) => string,
): Promise<void> {
  for await (const row of rows) {
    // Nobody reads any more.
    if (outputFailure()) return;
    print(json ? JSON.stringify(show(row)) : formatRow(show(row)));
  }
}
