/**
 * The file of an SQLite database, what SQLite keeps beside it, or its disk is in trouble while clients read and write, and check each answer
 * (see test/support/load/). A small version, without load, is in test/cluster/file-troubles.test.ts.
 */
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Test, test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { makeDatabaseWith } from '../support/api.ts';
import { copyDatabase, DAMAGES, faultsOf, mountSmallDisk } from '../support/file-troubles.ts';
import type { Failure } from '../support/load/client.ts';
import { Load } from '../support/load/index.ts';
import { makeFolder, manage, manageProcess, type Server, startServer } from '../support/processes.ts';
import { until } from '../support/running.ts';
import { tally } from '../support/tally.ts';

/** In bytes: the disk of the service. */
const DISK = 64 * 1024 * 1024;
/** In milliseconds: the service is back by then, once the cause is gone. */
const BOUND = 2_000;
/** Answers before and after each trouble, at least. */
const ANSWERS = 100;
const TRUNCATIONS = 50;

const UNAVAILABLE = '503 with Retry-After';
/** What a client gets whose session is not in the file that is there now. */
const UNKNOWN = '401';
/** Sign-ins whose result could not be written count as attempts. */
const THROTTLED = '429 with Retry-After';

interface Trouble {
  begin(path: string): void;
  /** Takes the cause away. Without it, the service gets over the trouble by itself. */
  end?(path: string): void;
  /** What is not possible meanwhile. */
  kind?: 'read' | 'written';
  /** Whether what was written last may be lost: the file never had it, or the log with it was truncated. */
  loses?: boolean;
  /** The failures of requests that may be. */
  mayFail?: string[];
}

const LOSES = { loses: true, mayFail: [UNAVAILABLE, UNKNOWN] };

const TROUBLES: Record<string, Trouble> = {
  'a file that is moved away and back': {
    begin: (path) => renameSync(path, `${path}.aside`),
    end: (path) => renameSync(`${path}.aside`, path),
    kind: 'read',
  },
  'a file that another one replaces': {
    begin: (path) => renameSync(`${path}.copy`, path),
    ...LOSES,
  },
  ...Object.fromEntries(
    DAMAGES.map(([what, begin]): [string, Trouble] => [
      `a file that ${what}, until a copy takes its place`,
      { begin, end: (path) => renameSync(`${path}.copy`, path), kind: 'read', ...LOSES },
    ]),
  ),
  'a write-ahead log that is removed': { begin: (path) => rmSync(`${path}-wal`) },
  'a write-ahead log that is emptied': { begin: (path) => truncateSync(`${path}-wal`), ...LOSES },
  'an index that is removed': { begin: (path) => rmSync(`${path}-shm`) },
  'an index that is truncated': {
    begin: (path) => truncateSync(`${path}-shm`),
    mayFail: [UNAVAILABLE, 'ECONNRESET', 'ECONNREFUSED'],
  },
  'a disk that is full': {
    begin: (path) => fill(`${path}.ballast`),
    end: (path) => rmSync(`${path}.ballast`),
    kind: 'written',
  },
};

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(DISK));
  } catch {
    // The disk is full then.
  }
}

/** Copies the whole log into the file, as the service does five times a second. */
function checkpoint(path: string): void {
  const client = new Sqlite(path, { timeout: BOUND });
  client.pragma('wal_checkpoint(FULL)');
  client.close();
}

async function startUnderLoad(t: Test, folder: string) {
  const path = join(folder, 'rollcall.db');
  const databaseUrl = `sqlite:${path}`;
  await makeDatabaseWith(databaseUrl, 'ann');
  const environment = { DATABASE_URL: databaseUrl, SECRET_KEY: makeSecret(), WORKERS: '2' };
  const server = await startServer(t, { environment });
  const startLoad = () => Load.start({ urls: [server.url], databaseUrl, pause: 2 });
  return { path, environment, server, startLoad, load: await startLoad() };
}

async function isReady(server: Server): Promise<true | undefined> {
  const response = await fetch(`${server.url}/readyz`);
  return /"ready"/.test(await response.text()) || undefined;
}

/** @returns how many lines of the log tell that a trouble begins, and that one ends. */
function countLines(server: Server) {
  const messages = server.log().map(({ msg }) => msg);
  return {
    began: messages.filter((message) => /^the database can not be/.test(message)).length,
    ended: messages.filter((message) => /^the database can be/.test(message)).length,
  };
}

const deaths = (server: Server) => server.log().filter(({ msg }) => / died /.test(msg));

const kindsOf = (failures: Failure[]) => JSON.stringify(tally(failures.map(({ kind }) => kind)));

function assertOnly(t: Test, failures: Failure[], mayFail: string[]): void {
  const others = failures.filter(({ kind }) => !mayFail.includes(kind));
  t.strictSame(others.slice(0, 3).map(String), [], `${others.length} other failures`);
}

/** Waits until nothing fails any more: each client whose session is gone has signed in anew. */
async function settle(load: Load): Promise<void> {
  for (let before = -1; before !== load.failures.length; ) {
    before = load.failures.length;
    await load.answered(ANSWERS);
  }
}

async function passThrough(
  t: Test,
  { path, server, load }: Awaited<ReturnType<typeof startUnderLoad>>,
  { begin, end, kind, loses = false, mayFail = [UNAVAILABLE] }: Trouble,
): Promise<void> {
  await load.answered(ANSWERS);
  const before = countLines(server);
  const failures = load.failures.length;
  const died = deaths(server).length;
  load.isUncertain = loses;
  checkpoint(path);
  if (loses) copyDatabase(path);
  await load.answered(ANSWERS);
  begin(path);
  if (kind) {
    await until('it is noticed', () => countLines(server).began > before.began || undefined);
    const failed = load.failures.length;
    await until('requests fail', () => load.failures.length > failed + 20 || undefined);
  }
  end?.(path);
  const since = performance.now();
  await load.written();
  const back = performance.now() - since;
  await until('the service is ready', () => isReady(server));
  const ready = performance.now() - since;
  // What is under way is answered by then.
  await load.answered(ANSWERS);
  load.isUncertain = false;
  await until('the end is told', () => {
    const { began, ended } = countLines(server);
    return began === ended || undefined;
  });
  await settle(load);

  const failed = load.failures.slice(failures);
  t.comment(`back after ${Math.round(back)} ms, ready after ${Math.round(ready)} ms, ${kindsOf(failed)}`);
  assertOnly(t, failed, mayFail);
  const after = countLines(server);
  const lines = { began: after.began - before.began, ended: after.ended - before.ended };
  if (kind) t.strictSame(lines, { began: 1, ended: 1 });
  else t.ok(lines.began <= 1, 'one line at most when it is over at once');
  // Else processes begin anew, which takes the time that the machine takes.
  if (mayFail.includes('ECONNRESET')) return;
  t.equal(deaths(server).length, died, 'no process has died');
  t.ok(back < BOUND, `back after ${back} ms`);
}

/** What was acknowledged is in one sound file. */
async function assertSound(t: Test, path: string, load: Load): Promise<void> {
  t.strictSame(await load.stop(), []);
  t.equal(faultsOf(path), 'ok');
}

test('A service under load survives what happens to the files of its database', async (t) => {
  const folder = mountSmallDisk(t, DISK);
  const service = await startUnderLoad(t, folder ?? makeFolder(t));
  for (const [what, trouble] of Object.entries(TROUBLES))
    if (folder || !/disk/.test(what))
      await t.test(`The service gets over ${what}`, (t) => passThrough(t, service, trouble));
  await assertSound(t, service.path, service.load);
});

test(`A write-ahead log that is truncated ${TRUNCATIONS} times under load damages nothing`, async (t) => {
  const service = await startUnderLoad(t, makeFolder(t));
  const { path, load, server } = service;
  for (let time = 0; time < TRUNCATIONS; time++) {
    load.isUncertain = true;
    checkpoint(path);
    await load.answered(10);
    truncateSync(`${path}-wal`);
    await load.written();
    await load.answered(20);
    load.isUncertain = false;
    await load.answered(20);
  }
  await assertSound(t, path, load);
  t.comment(JSON.stringify(load.kinds));
  assertOnly(t, load.failures, [UNAVAILABLE, UNKNOWN, THROTTLED]);
  t.strictSame(deaths(server), [], 'no process has died');
});

test('A backup is restored at the moment when another file takes the place of the database', async (t) => {
  const { path, environment, server, load, startLoad } = await startUnderLoad(t, makeFolder(t));
  await load.answered(ANSWERS);
  const backup = `${path}.backup`;
  t.match(await manage(['db', 'backup', backup], { environment }), { code: 0 });
  const copy = copyDatabase(path);
  await load.answered(ANSWERS);
  renameSync(copy, path);
  // As a process, which begins while the service goes over to the other file.
  const restored = await manageProcess(['db', 'restore', backup, '--tokens', 'keep'], { environment });
  t.match(restored, { code: 0, stdout: /restored/ });
  t.equal((await manage(['db', 'check'], { environment })).code, 0);
  await load.answered(ANSWERS);
  await load.stop();
  assertOnly(t, load.failures, [UNAVAILABLE, UNKNOWN, THROTTLED, 'stale']);
  const next = await startLoad();
  await next.answered(5 * ANSWERS);
  await assertSound(t, path, next);
  t.strictSame(next.kinds, {});
  t.equal((await server.stop()).code, 0);
});
