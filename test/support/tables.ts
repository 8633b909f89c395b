/**
 * Reads all rows of a database in a form that can be compared with another database. Placeholders replace random values,
 * times and the actor, so only the effect of a change remains.
 */
import type { Engine } from '../../db/engines/engine.ts';

/** The fields of a row, or parts of them, by name. */
type Row = Record<string, string>;
/** The rows of all tables, by table and key. */
export type Contents = Map<string, Row>;

/** The values that are known before a change: the names of ids, keys and hashes, the actor, and the start time. */
export interface Known {
  names: Map<string, string>;
  /** The id of the acting user. For the operator the database has null. */
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
/** The columns of the audit trail about the actor. */
const ACTOR = /^audit (actor_id|actor_name|via|address|user_agent|request_id)$/;
/** Times are rounded to ten minutes, so that a slow run does not change them. */
const STEP = 10;

/** Replaces new values by placeholders. The same value always gets the same one. */
class Placeholders {
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

  /** @returns the value of that column, with placeholders. */
  of(table: string, column: string, value: unknown): string {
    const { actorId } = this.#known;
    if (ACTOR.test(`${table} ${column}`)) return 'who did it';
    if (column === 'issuer_id' && (value === null || value === actorId)) return 'who did it';
    if (column === 'password_set_by' && (value === 'user' || value === 'operator')) return 'who did it';
    if (column === 'password_set_by_id' && (value === null || value === actorId)) return 'who did it';
    if (/(^|_)at$/.test(column) && value !== null) return this.#minute(Number(value));
    if (value === null || value === undefined) return 'null';
    if (column === 'key' || column === 'password_hash') return this.#name(String(value), column);
    return String(value)
      .replace(ID, (id) => this.#name(id, 'id'))
      .replace(INSTANT, (text) => this.#minute(Date.parse(text)));
  }
}

/** @returns the fields of a row; `before` and `after` of the audit trail are split into their own fields. */
function fieldsOf(row: Record<string, unknown>): [string, unknown][] {
  return Object.entries(row).flatMap(([column, value]): [string, unknown][] => {
    if ((column !== 'before' && column !== 'after') || typeof value !== 'string') return [[column, value]];
    const fields: Record<string, unknown> | null = JSON.parse(value);
    if (fields === null) return [[column, 'nothing']];
    return Object.entries(fields).map(([name, part]) => [`${column}.${name}`, JSON.stringify(part)]);
  });
}

/** @returns all rows of all tables of the database. */
export async function readTables(engine: Engine, known: Known): Promise<Contents> {
  const placeholders = new Placeholders(known);
  const contents: Contents = new Map();
  for (const { name } of await engine.query(LISTS[engine.dialect])) {
    const table = String(name);
    // Ids sort in the order in which they were made, even within one change.
    const rows = await engine.query(`SELECT * FROM \`${table}\` ORDER BY 1, 2`);
    for (const row of rows) {
      const fields = fieldsOf(row).map(([column, value]) => [column, placeholders.of(table, column, value)]);
      const made: Row = Object.fromEntries(fields);
      const own = made.id ?? made.key ?? made.name ?? `${made.group_id} ${made.user_id ?? made.permission}`;
      contents.set(`${table} ${own}`, made);
    }
  }
  return contents;
}

/** @returns the differences between two databases, one line for each row or field. */
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
