/** Looks at the database: whether it answers, its settings, its schema, and its clock. */
import { databaseServers, sqliteFile } from '../../config/database-url.ts';
import type { Settings } from '../../config/load.ts';
import { CLOCK_TOLERANCE } from '../../db/clock.ts';
import { openEngine } from '../../db/database.ts';
import type { Engine } from '../../db/engines/engine.ts';
import { checkDatabase } from '../../db/migrate/check.ts';
import { inspect } from '../../db/migrate/migrator.ts';
import { findMissingTables } from '../../db/migrate/other-tables.ts';
import { instant } from '../../schemas/instant.ts';
import { errorText } from '../errors.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** @returns what is to be said of each server, and then of the database. */
export async function checkDatabaseOf(settings: Settings): Promise<Finding[]> {
  const findings = sqliteFile(settings.DATABASE_URL) === undefined ? await checkServers(settings) : [];
  if (findings.length > 0 && findings.every(({ level }) => level === 'fault')) return findings;
  try {
    const engine = await openEngine(settings);
    try {
      if (engine.dialect === 'sqlite') findings.push(await checkSqlite(engine));
      findings.push(...(await checkSchema(engine, settings)));
    } finally {
      await engine.close();
    }
  } catch (error) {
    findings.push(fault('database', errorText(error)));
  }
  return findings;
}

async function checkServers(settings: Settings): Promise<Finding[]> {
  const servers = databaseServers(settings.DATABASE_URL);
  const findings: Finding[] = [];
  for (const { name, url } of servers) {
    const engine = await openEngine({ ...settings, DATABASE_URL: url });
    try {
      findings.push(...(await checkServer(engine, name, settings)));
    } catch (error) {
      findings.push(warning('database', `${name}: ${errorText(error)}`));
    } finally {
      await engine.close();
    }
  }
  if (findings.some(({ level }) => level === 'ok')) return findings;
  return findings.map((finding) => ({ ...finding, level: 'fault' }));
}

async function checkServer(engine: Engine, name: string, settings: Settings): Promise<Finding[]> {
  const { POOL_SIZE, DATABASE_URL } = settings;
  const before = Date.now();
  const [row = {}] = await engine.query(
    `SELECT VERSION() AS version, @@read_only AS is_read_only, @@max_connections AS connections,
            @@innodb_flush_log_at_trx_commit AS flush, ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) AS now`,
  );
  const now = Number(row.now);
  const offset = Math.max(before - now, now - Date.now(), 0);
  const findings = [ok('database', `${name} answers, version ${row.version}`)];
  const warn = (text: string) => findings.push(warning('database', `${name} ${text}`));
  if (Number(row.is_read_only) !== 0)
    warn('is read-only. If no other server takes changes, set read_only=OFF there.');
  if (Number(row.flush) !== 1)
    warn(
      `has innodb_flush_log_at_trx_commit=${row.flush}: changes can be lost when its machine crashes. Set it to 1.`,
    );
  if (Number(row.connections) <= POOL_SIZE)
    warn(
      `takes ${row.connections} connections, and POOL_SIZE is ${POOL_SIZE} for each host. Raise max_connections.`,
    );
  findings.push(...(await checkCluster(engine, name, databaseServers(DATABASE_URL).length)));
  findings.push(checkOffset(`the clock of ${name}`, offset));
  return findings;
}

/** @param servers how many DATABASE_URL names. @returns what a node says of its Galera cluster, nothing for a server without one. */
async function checkCluster({ query }: Engine, name: string, servers: number): Promise<Finding[]> {
  const [galera] = await query("SHOW VARIABLES LIKE 'wsrep_on'");
  if (galera?.Value !== 'ON') return [];
  const rows = await query("SHOW GLOBAL STATUS LIKE 'wsrep_%'");
  const status = new Map(rows.map((row) => [row.Variable_name, row.Value]));
  const warn = (text: string) => [warning('database', `${name} ${text}`)];
  if (status.get('wsrep_ready') !== 'ON')
    return warn('is not prepared to serve: it is outside of the Galera cluster. Look into its log.');
  const size = Number(status.get('wsrep_cluster_size'));
  if (size < servers)
    return warn(
      `is in a Galera cluster of ${size}, and DATABASE_URL names ${servers} servers. Start the others, or see whether they are of another cluster.`,
    );
  const state = status.get('wsrep_local_state_comment');
  return [ok('database', `${name} is in a Galera cluster of ${size}, ${state}`)];
}

/** The clocks of all hosts are compared with that of the database. */
function checkOffset(what: string, offset: number): Finding {
  const seconds = Math.round(offset / 1000);
  if (offset < 1_000) return ok('clock', `${what} agrees with this machine's`);
  const level = offset > CLOCK_TOLERANCE ? fault : warning;
  return level('clock', `${what} differs by ${seconds} s from this machine's. Let NTP correct both.`);
}

async function checkSqlite({ query }: Engine): Promise<Finding> {
  const [found] = await query('PRAGMA quick_check(1)');
  if (found?.quick_check === 'ok') return ok('database', 'the file is sound');
  return fault(
    'database',
    `the file is damaged: ${found?.quick_check}. Restore a backup: "npm run manage -- db restore FILE".`,
  );
}

async function checkSchema(engine: Engine, settings: Settings): Promise<Finding[]> {
  const state = await inspect(engine);
  const faults = checkDatabase(state);
  const [next] = state.pending;
  if (next && faults.length === 0)
    faults.push(`The database is behind: ${next.name} is pending. Run "npm run manage -- db upgrade".`);
  if (faults.length === 0) faults.push(...(await findMissingTables(engine)));
  if (faults.length > 0) return faults.map((text) => fault('schema', text));
  return [
    ok('schema', `it has the migrations of this version, the last is ${state.applied.at(-1)?.name}`),
    ...(await checkTimes(engine)),
    ...(await checkOldKeys(engine, settings)),
  ];
}

/** Another host whose clock is ahead, or a clock that was set back, leaves rows of the future. */
async function checkTimes({ query }: Engine): Promise<Finding[]> {
  const [entry] = await query('SELECT at FROM audit ORDER BY id DESC LIMIT 1');
  const [session] = await query('SELECT max(last_seen_at) AS at FROM sessions');
  const newest = Math.max(Number(entry?.at ?? 0), Number(session?.at ?? 0));
  if (newest <= Date.now() + CLOCK_TOLERANCE) return [];
  return [
    fault(
      'clock',
      `the newest audit entry or session is of ${instant(newest)}, which is in the future. Correct the clock of this machine, or of the one that wrote it.`,
    ),
  ];
}

/** Each use of a session sends the cookie anew if an older key has signed it. */
async function checkOldKeys({ query }: Engine, { SECRET_KEY }: Settings): Promise<Finding[]> {
  if (SECRET_KEY.length < 2) return [];
  const [row] = await query(
    `SELECT min(last_seen_at) AS seen FROM sessions WHERE expires_at > ${Date.now()}`,
  );
  const text = row?.seen
    ? `the older keys in SECRET_KEY can go if all hosts have used the newest one since before ${instant(Number(row.seen))}: every living session was seen since then`
    : 'the older keys in SECRET_KEY can go: no session lives';
  return [ok('secret', text)];
}
