/** What holds in the database whatever was asked of the service: each reference, each rule that several rows follow from, counts that agree. */

import { normalizeIdentifier } from '../../../db/text.ts';
import { type Row, type Rows, rowsOf, schemaOf } from '../database-content.ts';
import type { Schema } from '../schema.ts';
import type { Callers } from './callers.ts';

const isOn = (flag: unknown) => Number(flag) === 1;

export interface Content {
  tables: Schema;
  rows: Rows;
}

/** What was written past the API, of which the audit trail does not tell. */
type PastApi = Pick<Callers, 'made' | 'disabled'>;

/** @returns what the database has. */
export async function contentOf(url: string): Promise<Content> {
  return { tables: await schemaOf(url), rows: await rowsOf(url) };
}

/** @returns the references to rows that are not there. */
function danglingReferences({ tables, rows }: Content): string[] {
  return tables.flatMap(({ name, references }) =>
    references.flatMap(({ columns, to, columnsTo }) => {
      const keyOf = (row: Row, names: string[]) => JSON.stringify(names.map((each) => row[each]));
      const there = new Set(rows[to]?.map((row) => keyOf(row, columnsTo)));
      return (rows[name] ?? [])
        .filter((row) => columns.every((each) => row[each] !== null) && !there.has(keyOf(row, columns)))
        .map((row) => `${name} refers to a row of ${to} that is not there: ${keyOf(row, columns)}`);
    }),
  );
}

type Rule = [text: string, broken: (rows: (table: string) => Row[]) => Row[]];

const PERMISSION = /^(\*|[a-z-]+:[a-z-]+)$/;

const disabledIds = (users: Row[]) =>
  new Set(users.filter(({ active }) => !isOn(active)).map(({ id }) => id));

/** Each with the rows that break it. */
const rulesOf = ({ disabled }: PastApi): Rule[] => [
  [
    'A version is 1 at least',
    (of) => ['users', 'groups'].flatMap(of).filter(({ version }) => !(Number(version) >= 1)),
  ],
  [
    'A disabled user has no session',
    (of) => {
      const ids = disabledIds(of('users'));
      return of('sessions').filter(({ user_id: id }) => ids.has(id) && !disabled.has(String(id)));
    },
  ],
  [
    'A session idles no longer than it lives',
    (of) => of('sessions').filter((row) => Number(row.expires_at) > Number(row.ends_at)),
  ],
  [
    'A username is kept beside its normalized form',
    (of) => of('users').filter((row) => row.username_key !== normalizeIdentifier(String(row.username))),
  ],
  [
    'An address is kept beside its normalized form',
    (of) =>
      of('users').filter(
        ({ email, email_key: key }) => key !== (email === null ? null : normalizeIdentifier(String(email))),
      ),
  ],
  [
    'A password is stored as a hash only',
    (of) =>
      of('users').filter(
        ({ password_hash: hash }) => hash !== null && !String(hash).startsWith('$argon2id$'),
      ),
  ],
  [
    'A membership has a role',
    (of) => of('memberships').filter(({ role }) => role !== 'member' && role !== 'manager'),
  ],
  [
    'A permission is one by its form',
    (of) => of('group_permissions').filter((row) => !PERMISSION.test(String(row.permission))),
  ],
  ['A count of attempts is 1 at least', (of) => of('attempts').filter((row) => !(Number(row.failures) >= 1))],
  [
    'Audit entries are in the order of their ids',
    (of) => {
      const sorted = of('audit').toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
      return sorted.filter((row, index) => Number(row.at) < Number(sorted[index - 1]?.at ?? 0));
    },
  ],
];

/** @returns whether an active user with a password holds `*`. */
function hasAdministrator(of: (table: string) => Row[]): boolean {
  const all = new Set(
    of('group_permissions')
      .filter((row) => row.permission === '*')
      .map((row) => row.group_id),
  );
  const members = new Set(
    of('memberships')
      .filter((row) => all.has(row.group_id))
      .map((row) => row.user_id),
  );
  return of('users').some(
    ({ id, active, password_hash: hash }) => members.has(id) && isOn(active) && hash !== null,
  );
}

/** @returns in which of users and groups there are more or fewer than the audit trail tells. */
function wrongCounts(of: (table: string) => Row[], { made }: PastApi): string[] {
  const count = (...events: string[]) =>
    of('audit').filter(({ event }) => events.includes(String(event))).length;
  const expected = {
    users: made.users + count('user-created', 'signed-up') - count('user-deleted'),
    groups: made.groups + count('group-created') - count('group-deleted'),
  };
  return Object.entries(expected)
    .filter(([table, number]) => of(table).length !== number)
    .map(([table, number]) => `There are ${of(table).length} ${table}, and by the audit trail ${number}`);
}

/** @returns what does not hold in the database, each in a sentence. */
export function brokenInvariants(content: Content, past: PastApi): string[] {
  const of = (table: string) => content.rows[table] ?? [];
  const broken = rulesOf(past).flatMap(([text, find]) =>
    find(of).map((row) => `${text}, but not here: ${JSON.stringify(row)}`),
  );
  return [
    ...danglingReferences(content),
    ...broken,
    ...(hasAdministrator(of) ? [] : ['No active user with a password holds every permission']),
    ...wrongCounts(of, past),
  ];
}
