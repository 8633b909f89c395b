/**
 * Migration 0004 makes the keys of usernames and e-mail addresses anew, by full case folding and by domains as DNS has them. It
 * refuses to make two users equal, and its way down makes the earlier keys again.
 */
import type { Test } from 'tap';
import { loadSettings } from '../../../config/load.ts';
import { openEngine } from '../../../db/database.ts';
import { makeId } from '../../../db/ids.ts';
import { downgrade, ensureSchema, inspect, upgrade } from '../../../db/migrate/migrator.ts';
import { query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { onEachEngine, type TestEngine } from '../../support/engines.ts';
import { Client, PASSWORD, quickHashing, startService } from '../../support/service.ts';

const OLD = '0003';

/** How version 0003 compared names. */
const oldKey = (text: string) => text.normalize('NFKC').toLowerCase().normalize('NFKC');

interface OldUser {
  username: string;
  name?: string;
  email?: string;
}

/** Adds users as version 0003 did. */
async function addOldUsers(url: string, users: OldUser[]): Promise<void> {
  const hash = await quickHashing.hash(PASSWORD);
  for (const { username, name = '', email } of users) {
    const values = [makeId(), username, oldKey(username), name, oldKey(name).slice(0, 64), hash];
    const texts = [...values, ...(email === undefined ? [] : [email, oldKey(email)])];
    await query(
      url,
      `INSERT INTO users (id, username, username_key, name, name_key, password_hash${email === undefined ? '' : ', email, email_key'}, created_at, updated_at)
       VALUES (${texts.map((text) => `'${text}'`).join(', ')}, 1, 1)`,
    );
  }
}

/** Opens an empty database that is then upgraded to that migration. */
async function openAt(t: Test, { makeDatabase }: TestEngine, target: string) {
  const url = await makeDatabase(t);
  const engine = await openEngine(
    loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } }),
    { create: true },
  );
  t.teardown(() => engine.close());
  await upgrade(engine, target);
  return { url, engine };
}

const USERS = [
  { username: 'ann', name: 'Ann', email: 'Ann@Example.org' },
  { username: 'ΟΔΥΣΣΕΥΣ', name: 'Ὀδυσσεύς', email: 'odysseus@ithaka.example.' },
  { username: 'Straße', name: 'Jürgen Groß', email: 'juergen@bücher.example' },
  { username: 'İstanbul', name: 'İstanbul', email: 'istanbul@example.org' },
  { username: 'a/b', name: 'ﬁ', email: 'a..b@-x' },
  { username: 'ß'.repeat(64), name: 'ß'.repeat(200) },
];

onEachEngine(
  'Migration 0004 makes the keys of users anew, and its way down makes the earlier ones',
  async (t, testEngine) => {
    const { url, engine } = await openAt(t, testEngine, OLD);
    await addOldUsers(url, USERS);
    const [before, schema] = [await rowsOf(url), await schemaOf(url)];
    await upgrade(engine);
    const keys = await query(
      url,
      'SELECT username, username_key, username_search_key, name_key, email_key, email_search_key FROM users ORDER BY id',
    );
    t.strictSame(
      keys.map((row) => Object.values(row).map((value) => value ?? '')),
      [
        ['ann', 'ann', 'ann', 'ann', 'ann@example.org', 'ann@example.org'],
        [
          'ΟΔΥΣΣΕΥΣ',
          'οδυσσευσ',
          'οδυσσευσ',
          'οδυσσευσ',
          'odysseus@ithaka.example',
          'odysseus@ithaka.example.',
        ],
        [
          'Straße',
          'strasse',
          'strasse',
          'jurgen gross',
          'juergen@xn--bcher-kva.example',
          'juergen@bucher.example',
        ],
        ['İstanbul', 'i̇stanbul', 'istanbul', 'istanbul', 'istanbul@example.org', 'istanbul@example.org'],
        ['a/b', 'a/b', 'a/b', 'fi', 'a..b@-x', 'a..b@-x'],
        ['ß'.repeat(64), 'ss'.repeat(64), 'ss'.repeat(32), 'ss'.repeat(32), '', ''],
      ],
    );

    await downgrade(engine, OLD, { acceptLoss: true });
    t.strictSame(await rowsOf(url), before);
    t.strictSame(await schemaOf(url), schema);
    await upgrade(engine);

    const { app } = await startService(t, testEngine, { databaseUrl: url, hashing: quickHashing });
    for (const name of [
      'ANN@EXAMPLE.ORG.',
      'Οδυσσεύς'.normalize('NFD').replace(/\p{M}/gu, ''),
      'odysseus@ithaka.example',
      'STRASSE',
      'juergen@xn--bcher-kva.example',
      'A/B',
      'A..B@-x',
    ])
      t.equal((await new Client(app).signIn(name)).statusCode, 200, `${name} signs in`);
  },
);

onEachEngine(
  'Migration 0004 is refused with the list of users who would become equal',
  async (t, testEngine) => {
    const { url, engine } = await openAt(t, testEngine, '0002');
    await addOldUsers(url, [
      { username: 'Straße' },
      { username: 'strasse' },
      { username: 'ΟΔΥΣ', email: 'a@bücher.example' },
      { username: 'οδυσ', email: 'a@xn--bcher-kva.example' },
      { username: 'other', email: 'a@xn--BCHER-KVA.example.' },
      { username: 'İ' },
      { username: 'i' },
    ]);
    const [before, schema] = [await rowsOf(url), await schemaOf(url)];
    const refusal = {
      name: 'MigrationError',
      message: [
        "0004_identifiers (up) can't be run. Nothing was changed.",
        'These usernames would be the same: Straße, strasse.',
        'These usernames would be the same: ΟΔΥΣ, οδυσ.',
        'These e-mail addresses would be the same: a@bücher.example (of ΟΔΥΣ), a@xn--BCHER-KVA.example. (of other), a@xn--bcher-kva.example (of οδυσ).',
        'Change or remove all but one of each, with the version that runs now. Then try again.',
      ].join('\n'),
    };
    await t.rejects(upgrade(engine), refusal, '"db upgrade" refuses');
    await t.rejects(ensureSchema(engine, true), refusal, 'a start with AUTO_MIGRATE refuses');
    t.strictSame(await rowsOf(url), before, 'no row was changed, not even by the migrations before');
    t.strictSame(await schemaOf(url), schema);
    t.equal((await inspect(engine)).unfinished, undefined);

    await query(url, "DELETE FROM users WHERE username IN ('strasse', 'οδυσ', 'other')");
    await upgrade(engine);
    t.strictSame(await query(url, "SELECT username_key FROM users WHERE username = 'Straße'"), [
      { username_key: 'strasse' },
    ]);
  },
);

onEachEngine(
  'The way down of migration 0004 is refused if users would become equal',
  async (t, testEngine) => {
    const { url, engine } = await openAt(t, testEngine, '0004');
    // Domains are compared as DNS does: σ and ς are different there, but the earlier version made both of Σ.
    await addOldUsers(
      url,
      [
        { username: 'one', email: 'a@example.ΟΔΥΣ' },
        { username: 'two', email: 'a@example.οδυς' },
      ].map((user, number) => ({ ...user, email: `${number}${user.email}` })),
    );
    await query(url, 'UPDATE users SET email = SUBSTR(email, 2), email_key = username');
    await t.rejects(downgrade(engine, OLD, { acceptLoss: true }), {
      message:
        /These e-mail addresses would be the same: a@example\.ΟΔΥΣ \(of one\), a@example\.οδυς \(of two\)\./,
    });
    t.equal((await inspect(engine)).applied.length, 5);
  },
);

onEachEngine(
  'The way down of migration 0004 is refused if a key would be too long',
  async (t, testEngine) => {
    const { url, engine } = await openAt(t, testEngine, '0004');
    // The ligature becomes three letters, and only the earlier version kept the dot.
    await addOldUsers(url, [{ username: 'one', email: `ﬃ${'x'.repeat(247)}@b.c.` }]);
    const before = await rowsOf(url);
    await t.rejects(downgrade(engine, OLD, { acceptLoss: true }), {
      message:
        /^0004_identifiers \(down\) can't be run\. Nothing was changed\.\nThe email ﬃx+@b\.c\. of the user \S{36} is too long/,
    });
    t.strictSame(await rowsOf(url), before);
    t.equal((await inspect(engine)).unfinished, undefined);
  },
);
