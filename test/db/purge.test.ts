/** The service removes all expired rows, and nothing else, by itself and outside of requests. */
import { randomBytes, randomUUIDv7 } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { firstIdOf } from '../../db/ids.ts';
import { type AuditPurge, purge } from '../../db/maintenance.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';
import { purgeQueries } from '../../db/queries/purge.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { userNamed } from '../support/files.ts';
import { addToken, hasTokens, newToken } from '../support/optional.ts';
import { startServer } from '../support/processes.ts';
import { until } from '../support/running.ts';

const DAY = 24 * 60 * 60 * 1000;
/** More rows than one batch removes. */
const EXPIRED = 1_200;
/** Entries of the audit trail that are too old, more than one batch. */
const OLD_ENTRIES = 450;
/** Enough valid rows that the server uses the index to find the expired ones. */
const VALID = 400;

const tokens = (count: number) => (hasTokens ? { tokens: count } : {});

const key = () => randomBytes(32).toString('base64url');

/** @returns a database with expired and valid rows in each table, and a function that counts them. */
async function prepare(t: Test, { makeDatabase }: TestEngine) {
  const url = await makeDatabase(t);
  const settings = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } });
  const engine = await openEngine(settings, { create: true });
  t.teardown(() => engine.close());
  await ensureSchema(engine, true);
  const db = { ...prepareQueries(engine), purge: purgeQueries(engine) };
  const now = Date.now();
  const ann = userNamed('ann');
  await db.atomically([db.users.add(ann, now)]);
  for (const expiresAt of [now - 1, now + DAY])
    await db.atomically([await db.knownNetworks.keep({ key: key(), userId: ann.id, expiresAt })]);

  const session = (expiresAt: number) =>
    db.sessions.add({
      ...{ key: key(), id: randomUUIDv7(), userId: ann.id, passwordHash: ann.passwordHash },
      ...{ remembered: false, now, expiresAt, endsAt: now + 9 * DAY, address: '', userAgent: '' },
    });
  const token = (expiresAt: number | null) => addToken(db, { ...newToken(ann.id, []), expiresAt }, now);
  const entry = (at: number) =>
    db.audit.add({
      ...{ id: `${firstIdOf(at)}-7000-8000-${randomBytes(6).toString('hex')}`, at, event: 'confirmed' },
      ...{ actor: null, via: '', target: null, address: '', userAgent: '', requestId: '' },
      ...{ before: null, after: null },
    });
  await db.atomically([
    ...Array.from({ length: EXPIRED }, () => session(now - 1)).flat(),
    ...Array.from({ length: VALID }, (_, n) => session(now + DAY + n)).flat(),
    ...[now - 1, now + DAY].flatMap((expiresAt) => [
      db.attempts.begin({ key: key(), expiresAt, blockedUntil: null }),
      // One user for each code, because a user has only one.
      ...codeOf(expiresAt),
    ]),
    ...[null, now + DAY, now - DAY, now - 31 * DAY].flatMap(token),
    ...[now, now - 9 * DAY, now - 11 * DAY].map(entry),
  ]);
  function codeOf(expiresAt: number) {
    const user = userNamed(`user-${expiresAt}`);
    return [
      db.users.add(user, now),
      ...db.codes.issue({ key: key(), userId: user.id, issuerId: null, issuerTokenId: null, expiresAt }, now),
    ];
  }

  const count = async () => {
    const tables = [
      'sessions',
      'attempts',
      'known_networks',
      'codes',
      'audit',
      ...(hasTokens ? ['tokens'] : []),
    ];
    const counts = await Promise.all(
      tables.map(async (table) => {
        const [row] = await engine.query(`SELECT count(*) AS n FROM ${table}`);
        return [table, Number(row?.n)] as const;
      }),
    );
    return Object.fromEntries(counts);
  };
  return { url, db, count, sessionUntil: session, entryAt: entry };
}

onEachEngine('Expired rows are purged', async (t, engine) => {
  const { url, db, count, sessionUntil, entryAt } = await prepare(t, engine);
  t.strictSame(await count(), {
    sessions: EXPIRED + VALID,
    attempts: 2,
    known_networks: 2,
    codes: 2,
    audit: 3,
    ...tokens(4),
  });

  t.test('An aborted purge removes nothing', async (t) => {
    t.equal(await purge(db, { auditRetention: 0, signal: AbortSignal.abort() }), 0);
    t.equal((await count()).sessions, EXPIRED + VALID);
  });

  t.test('A running service removes expired rows and keeps the audit trail', async (t) => {
    const environment = { DATABASE_URL: url, WORKERS: '1', AUTO_MIGRATE: 'false' };
    const server = await startServer(t, { environment });
    const remaining = { sessions: VALID, attempts: 1, known_networks: 1, codes: 1, audit: 3, ...tokens(3) };
    await until('all expired rows are removed', async () =>
      JSON.stringify(await count()) === JSON.stringify(remaining) ? true : undefined,
    );
    await server.stop();
    t.strictSame(await count(), remaining);
    t.equal(await purge(db, { auditRetention: 0 }), 0, 'there are no more expired rows');
    t.strictSame(await count(), remaining);
  });

  if (engine.name === 'MySQL') {
    t.test('Expired rows are removed while another transaction locks a valid row', async (t) => {
      const holder = await mysql.createConnection(url);
      t.teardown(() => holder.destroy());
      await holder.query('START TRANSACTION');
      await holder.query(
        'SELECT * FROM sessions FORCE INDEX (sessions_expires) ORDER BY expires_at DESC LIMIT 1 FOR UPDATE',
      );
      await db.atomically([sessionUntil(Date.now() - 1)]);
      t.equal(await purge(db, { auditRetention: 0 }), 1);
    });
  }

  t.test(
    'Audit events older than AUDIT_RETENTION are removed, and one entry and one line of the log say so',
    async (t) => {
      await db.atomically(Array.from({ length: OLD_ENTRIES - 1 }, () => entryAt(Date.now() - 11 * DAY)));
      const environment = { DATABASE_URL: url, WORKERS: '1', AUTO_MIGRATE: 'false', AUDIT_RETENTION: '10' };
      const start = Date.now();
      const server = await startServer(t, { environment });
      const [line] = await server.logs('audit-purged');
      await server.stop();
      const [entry, ...others] = await db.audit.page({ event: 'audit-purged' }, '', 'g', 9);
      t.match(entry, { actorId: null, via: 'service', targetId: null, after: { count: OLD_ENTRIES } });
      const before = Date.parse(String(entry?.after?.before)) + 10 * DAY;
      t.ok(before >= start && before <= Date.now(), 'it tells until when');
      t.equal(others.length, 0, 'one entry tells of all batches');
      t.match(line, { event: 'audit-purged', entry: entry?.id, via: 'service', after: entry?.after });
      t.equal((await count()).audit, 3);
    },
  );
});

onEachEngine(
  'Hosts that purge at the same time count each event of the audit trail once',
  async (t, engine) => {
    const { db, entryAt } = await prepare(t, engine);
    await db.atomically(Array.from({ length: OLD_ENTRIES - 1 }, () => entryAt(Date.now() - 11 * DAY)));
    const counts: number[] = [];
    const auditPurged = async ({ count }: AuditPurge) => void counts.push(count);
    const host = () => purge(db, { auditRetention: 10, auditPurged });
    await Promise.all([host(), host(), host()]);
    await host();
    t.equal(
      counts.reduce((sum, count) => sum + count, 0),
      OLD_ENTRIES,
    );
  },
);
