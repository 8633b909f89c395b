/**
 * All that a database holds, in a form in which two databases can be compared: what chance or the clock has made, and who
 * did it, has a stand-in, and what is left is what a change is about.
 */
import type { Engine } from '../../db/engines/engine.ts';

/** A row's fields, or parts of them, by name. */
type Row = Record<string, string>;
/** The rows of all tables, by their table and what identifies them. */
export type Contents = Map<string, Row>;

/** What is known before a change: the names of ids, keys and hashes, who acts, and when it began. */
export interface Known {
  names: Map<string, string>;
  /** The id of the user who acts; that of the operator is null. */
  actorId: string;
  began: number;
}

const LISTS = {
  sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
  mysql:
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1',
};
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const INSTANT = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** Who did it, and from where. */
const ACTOR = /^audit (actor_id|actor_name|via|address|user_agent|request_id)$/;
/** Times are told apart in steps of ten minutes, so that a slow run changes none. */
const STEP = 10;

/** Gives what is new a stand-in, the same one for the same value, in order of appearance. */
class StandIns {
  readonly #known: Known;
  readonly #found = new Map<string, string>();
  constructor(known: Known) {
    this.#known = known;
  }

  #name(value: string, kind: string): string {
    const name =
      this.#known.names.get(value) ?? this.#found.get(value) ?? `new ${kind} ${this.#found.size + 1}`;
    if (!this.#known.names.has(value)) this.#found.set(value, name);
    return name;
  }

  #minute(time: number): string {
    return `minute ${Math.round((time - this.#known.began) / 60_000 / STEP) * STEP}`;
  }

  /** @returns what stands for the value of that column. */
  of(table: string, column: string, value: unknown): string {
    const { actorId } = this.#known;
    if (ACTOR.test(`${table} ${column}`)) return 'who did it';
    if (column === 'issuer_id' && (value === null || value === actorId)) return 'who did it';
    if (/(^|_)at$/.test(column) && value !== null) return this.#minute(Number(value));
    if (value === null || value === undefined) return 'null';
    if (column === 'key' || column === 'password_hash') return this.#name(String(value), column);
    return String(value)
      .replace(ID, (id) => this.#name(id, 'id'))
      .replace(INSTANT, (text) => this.#minute(Date.parse(text)));
  }
}

/** @returns the fields of a row; those of the audit trail's `before` and `after` one by one. */
function fieldsOf(row: Record<string, unknown>): [string, unknown][] {
  return Object.entries(row).flatMap(([column, value]): [string, unknown][] => {
    if ((column !== 'before' && column !== 'after') || typeof value !== 'string') return [[column, value]];
    const fields: Record<string, unknown> | null = JSON.parse(value);
    if (fields === null) return [[column, 'nothing']];
    return Object.entries(fields).map(([name, part]) => [`${column}.${name}`, JSON.stringify(part)]);
  });
}

/** @returns all rows of all tables of the database, whatever tables it has. */
export async function readTables(engine: Engine, known: Known): Promise<Contents> {
  const standIns = new StandIns(known);
  const contents: Contents = new Map();
  for (const { name } of await engine.query(LISTS[engine.dialect])) {
    const table = String(name);
    // Ids are in the order in which they were made, also within one change.
    const rows = await engine.query(`SELECT * FROM \`${table}\` ORDER BY 1, 2`);
    for (const row of rows) {
      const fields = fieldsOf(row).map(([column, value]) => [column, standIns.of(table, column, value)]);
      const made: Row = Object.fromEntries(fields);
      const own = made.id ?? made.key ?? made.name ?? `${made.group_id} ${made.user_id ?? made.permission}`;
      contents.set(`${table} ${own}`, made);
    }
  }
  return contents;
}

/** @returns what two databases do not have in common, a line for each row or field. */
export function differences(one: Contents, other: Contents): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].sort().flatMap((name) => {
    const [left, right] = [one.get(name), other.get(name)];
    if (!left || !right) return [`${name}: only by the ${left ? 'API' : 'command'}`];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((field) =>
      left[field] === right[field]
        ? []
        : [
            `${name} ${field}: ${left[field] ?? 'absent'} by the API, ${right[field] ?? 'absent'} by the command`,
          ],
    );
  });
}
