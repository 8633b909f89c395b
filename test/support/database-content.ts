/** Reads and fills databases in the tests of migrations, with the bare drivers and without the code under test. */
import Sqlite from 'better-sqlite3';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { readSchema, type Schema } from './schema.ts';

export type Row = Record<string, unknown>;
type RunStatement = (statement: string) => Promise<Row[]>;

/** Opens the database with the bare driver while `work` runs; `work` gets a function that runs a statement. */
async function withConnection<Found>(
  url: string,
  work: (run: RunStatement) => Promise<Found>,
): Promise<Found> {
  if (url.startsWith('sqlite:')) {
    const client = new Sqlite(url.slice('sqlite:'.length));
    try {
      return await work(async (statement) => {
        const prepared = client.prepare<[], Row>(statement);
        if (prepared.reader) return prepared.all();
        prepared.run();
        return [];
      });
    } finally {
      client.close();
    }
  }
  const connection = await mysql.createConnection({ uri: url, supportBigNumbers: true });
  try {
    return await work(async (statement) => {
      const [rows] = await connection.query<RowDataPacket[]>(statement);
      return Array.isArray(rows) ? rows : [];
    });
  } finally {
    await connection.end();
  }
}

/** Runs one statement. @returns its rows. */
export function query(url: string, statement: string): Promise<Row[]> {
  return withConnection(url, (run) => run(statement));
}

/** @returns the schema as the engine describes it. */
export function schemaOf(url: string): Promise<Schema> {
  return withConnection(url, (run) => readSchema(run, url.startsWith('sqlite:')));
}

export type Rows = Record<string, Row[]>;

/** @returns all rows of all tables, sorted by their values. */
export function rowsOf(url: string): Promise<Rows> {
  return withConnection(url, async (run) => {
    const rows: Rows = {};
    for (const { name } of await readSchema(run, url.startsWith('sqlite:'))) {
      rows[name] = sorted((await run(`SELECT * FROM \`${name}\``)).map((row) => ({ ...row })));
    }
    return rows;
  });
}

function sorted(rows: Row[]): Row[] {
  const ordered = rows.map((row) =>
    Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return ordered.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/**
 * @param except matches columns that are left out.
 * @returns the rows of the first database, with only those tables and columns that the second one also has.
 */
export function commonRows(rows: Rows, others: Rows, except?: RegExp): Rows {
  const kept = Object.entries(rows).filter(([table]) => others[table]);
  return Object.fromEntries(
    kept.map(([table, each]) => {
      const [other = {}] = others[table] ?? [];
      const common = each.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => name in other && !except?.test(name))),
      );
      return [table, sorted(common)];
    }),
  );
}

const ROWS_PER_TABLE = 3;

/** Inserts rows into every table, whatever its columns. All values differ, and references point to existing rows. */
export async function fillTables(url: string): Promise<void> {
  const schema = await schemaOf(url);
  await withConnection(url, async (run) => {
    const filled = new Set<string>();
    while (filled.size < schema.length) {
      const table = schema.find(
        ({ name, references }) => !filled.has(name) && references.every(({ to }) => filled.has(to)),
      );
      if (!table) throw new Error('The foreign keys of the tables form a cycle.');
      filled.add(table.name);
      for (let number = 1; number <= ROWS_PER_TABLE; number++) {
        const names = table.columns.map(({ name }) => `\`${name}\``);
        const values = table.columns.map((column) => {
          const reference = table.references.find(({ columns }) => columns.includes(column.name));
          return sampleValue(
            reference ? reference.to : table.name,
            reference ? 'id' : column.name,
            column,
            number,
          );
        });
        await run(`INSERT INTO \`${table.name}\` (${names.join(', ')}) VALUES (${values.join(', ')})`);
      }
    }
  });
}

function sampleValue(
  table: string,
  name: string,
  { type, nullable }: { type: string; nullable: boolean },
  number: number,
): string {
  // The second row has NULL in every nullable column.
  if (nullable && number === 2) return 'NULL';
  if (/^tinyint/i.test(type)) return String(number % 2);
  if (/^(big)?int/i.test(type)) return String(number + 10);
  const length = Number(/\((\d+)\)/.exec(type)?.[1] ?? 36);
  // Text columns get characters of several bytes, which a copy in a wrong character set would lose.
  const multibyte = /text|varchar/i.test(type) && name !== 'id' ? ' Ä🦊' : '';
  return `'${`${number}${multibyte} ${table} ${name}`.slice(0, length).trim()}'`;
}
