/**
 * The file of an SQLite database, or its disk, is in trouble while a service has it open. No write is acknowledged and lost, no process
 * of the service ends, the log has one line when it begins and one when it ends, and the service is back by itself.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Test, test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from '../support/api.ts';
import { copyDatabase, DAMAGES, faultsOf, mountSmallDisk, UNPRIVILEGED } from '../support/file-troubles.ts';
import { makeFolder, startServer } from '../support/processes.ts';
import { until } from '../support/running.ts';

/** In bytes: enough for the database and its log. */
const DISK = 4 * 1024 * 1024;

/** What each question is answered by meanwhile. */
const unreadable = { ready: 503, read: 503, write: 503 };
const onlyReads = { ready: 'read-only', read: 200, write: 503 };

async function startOn(t: Test, folder: string) {
  const path = join(folder, 'rollcall.db');
  const DATABASE_URL = `sqlite:${path}`;
  const [ann] = await makeDatabaseWith(DATABASE_URL, 'ann');
  const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '2' };
  const server = await startServer(t, { environment, command: UNPRIVILEGED });
  await server.logs('Server listening', 2);
  const caller = new Caller();
  t.equal(await caller.signIn(server.url, 'ann'), 200);
  const user = `/api/users/${ann?.id}`;
  let name = '';
  return {
    path,
    server,
    caller,
    read: () => caller.status(server.url, user),
    /** @returns the status of a change. */
    async write() {
      const next = `Ann ${Math.random()}`;
      const status = await caller.status(server.url, user, { method: 'PATCH', body: { name: next } });
      if (status === 200) name = next;
      return status;
    },
    /** @returns true once the last change that was acknowledged is read. Reads notice another file within a fifth of a second. */
    hasLastWrite: () =>
      until('the last change is there', async () => {
        const response = await caller.request(server.url, user);
        const answer: unknown = await response.json();
        const isThere =
          typeof answer === 'object' && answer !== null && 'name' in answer && answer.name === name;
        return isThere || undefined;
      }),
    async ready() {
      const response = await fetch(`${server.url}/readyz`);
      const answer: unknown = await response.json();
      if (response.status !== 200) return response.status;
      return typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
    },
  };
}

type Service = Awaited<ReturnType<typeof startOn>>;

/** Waits until the service has noticed the trouble and is over it again. */
async function throughTrouble(
  t: Test,
  { server, ready, read, write }: Service,
  during: { ready: string | number; read: number; write: number },
  begin: () => void,
  end: () => void,
) {
  const kind = during.read === 200 ? 'written' : 'read';
  const linesOf = (msg: string) => server.log().filter((line) => line.msg === msg);
  const [began, ended] = [`the database can not be ${kind}`, `the database can be ${kind} again`];
  const before = linesOf(began).length;
  begin();
  // Each process notices it by itself. A full disk may have room for some more changes.
  await until('changes show it', async () => (await write()) === during.write || undefined);
  await until('reads show it', async () => (await read()) === during.read || undefined);
  await until('it is noticed', async () => (await ready()) === during.ready || undefined);
  await server.logs(began, before + 1);
  t.equal((await fetch(`${server.url}/livez`)).status, 200);
  end();
  const since = performance.now();
  await until('it is over', async () => ((await ready()) === 'ready' && (await read()) !== 503) || undefined);
  t.comment(`back after ${Math.round(performance.now() - since)} ms`);
  const lines = await server.logs(ended, before + 1);
  t.equal(linesOf(began).length, before + 1, 'one line when it begins');
  t.equal(lines.length, before + 1, 'one line when it ends');
  t.match(lines.at(-1), { failedRequests: Number });
}

test('A service survives what happens to the files of its database', async (t) => {
  const service = await startOn(t, makeFolder(t));
  const { path, server, write, hasLastWrite } = service;
  const workers = server.serving();

  await t.test('a file that is moved away and back', async (t) => {
    t.equal(await write(), 200);
    const aside = `${path}.aside`;
    await throughTrouble(
      t,
      service,
      unreadable,
      () => renameSync(path, aside),
      () => renameSync(aside, path),
    );
    t.ok(await hasLastWrite());
  });

  for (const [what, damage] of DAMAGES)
    await t.test(`a file that ${what}, until a copy takes its place`, async (t) => {
      await until('all processes are back', async () => (await write()) === 200 || undefined);
      const copy = copyDatabase(path);
      await throughTrouble(
        t,
        service,
        unreadable,
        () => damage(path),
        () => renameSync(copy, path),
      );
      t.ok(await hasLastWrite());
    });

  await t.test('a file that another valid database replaces: sessions follow it at once', async (t) => {
    const older = copyDatabase(path);
    const bob = new Caller();
    t.equal(await bob.signIn(server.url, 'ann'), 200);
    t.equal(await bob.status(server.url, '/api/sign'), 200);
    renameSync(older, path);
    await until('the newer session is unknown', async () => {
      const status = await bob.status(server.url, '/api/sign');
      return status === 401 || undefined;
    });
    await until('changes go on', async () => (await write()) === 200 || undefined);
    t.ok(await hasLastWrite());
  });

  for (const [what, damage] of [
    ['The write-ahead log is removed', () => rmSync(`${path}-wal`)],
    ['The index of the write-ahead log is removed', () => rmSync(`${path}-shm`)],
    ['The write-ahead log is truncated', () => truncateSync(`${path}-wal`)],
  ] as const)
    await t.test(`${what}: what is acknowledged from then on is there`, async (t) => {
      await until('changes go on', async () => (await write()) === 200 || undefined);
      damage();
      await until('changes go on', async () => (await write()) === 200 || undefined);
      t.ok(await hasLastWrite());
    });

  await t.test(
    'A file that can only be read keeps the service from changes, and not from reads',
    async (t) => {
      const copy = copyDatabase(path);
      chmodSync(copy, 0o400);
      await throughTrouble(
        t,
        service,
        onlyReads,
        () => renameSync(copy, path),
        () => chmodSync(path, 0o600),
      );
      await until('all processes are back', async () => (await write()) === 200 || undefined);
      t.ok(await hasLastWrite());
    },
  );

  await t.test(
    'A folder that can only be read matters when a file without log takes the place',
    async (t) => {
      const folder = dirname(path);
      chmodSync(folder, 0o500);
      t.equal(await write(), 200);
      chmodSync(folder, 0o700);
      const copy = copyDatabase(path);
      renameSync(path, `${path}.aside`);
      await until('the old log is removed', () => !existsSync(`${path}-wal`) || undefined);
      await throughTrouble(
        t,
        service,
        onlyReads,
        () => {
          renameSync(copy, path);
          chmodSync(folder, 0o500);
        },
        () => chmodSync(folder, 0o700),
      );
      await until('all processes are back', async () => (await write()) === 200 || undefined);
      t.ok(await hasLastWrite());
    },
  );

  await t.test('All that were written are in one sound file', (t) => {
    t.equal(faultsOf(path), 'ok');
    t.strictSame(server.serving(), workers, 'no worker has ended');
    t.strictSame(
      server.log().filter(({ msg, level }) => msg === 'the request failed' || level === 60),
      [],
    );
    t.equal(server.output.stderr, '');
    t.end();
  });

  await t.test('An index that is truncated ends workers at most, which are replaced', async (t) => {
    truncateSync(`${path}-shm`);
    await until('changes go on', async () => {
      const status = await write().catch(() => 0);
      return status === 200 || undefined;
    });
    t.ok(await hasLastWrite());
    t.equal(server.child.exitCode, null);
  });
});

test('A disk that is full, or can only be read, keeps a service from changes, and not from reads', async (t) => {
  const [folder, other] = [mountSmallDisk(t, DISK), mountSmallDisk(t, DISK)];
  if (!folder || !other) return;
  const service = await startOn(t, folder);

  await t.test('A disk that is full', async (t) => {
    const ballast = join(folder, 'ballast');
    const fill = () => {
      try {
        writeFileSync(ballast, Buffer.alloc(DISK));
      } catch {
        // It is full then.
      }
    };
    await throughTrouble(t, service, onlyReads, fill, () => rmSync(ballast));
    t.equal(await service.write(), 200);
    t.ok(await service.hasLastWrite());
  });

  await t.test('A disk that can only be read, with a copy of the database', async (t) => {
    copyFileSync(copyDatabase(service.path), join(other, 'rollcall.db'));
    execFileSync('mount', ['-o', 'remount,ro', other]);
    await throughTrouble(
      t,
      service,
      onlyReads,
      () => execFileSync('mount', ['--bind', other, folder]),
      () => execFileSync('umount', ['--lazy', folder]),
    );
    await until('all processes are back', async () => (await service.write()) === 200 || undefined);
    t.ok(await service.hasLastWrite());
  });
});
