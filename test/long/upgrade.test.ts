/**
 * An upgrade without downtime, as docs/operations.md says: a release that adds a column, one whose code no longer has it, and one that takes
 * it away. Clients that check each answer notice nothing, and the service is ready all the while.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { Load } from '../support/load/index.ts';
import { copyProject, manageProcess, startServer } from '../support/processes.ts';

/** How many requests are answered between two steps. */
const REQUESTS = 100;
/** How often the probe is asked, in milliseconds. */
const INTERVAL = 20;
const TABLE = 'db/schema/groups.ts';
const COLUMN = "color: t.string(16).notNull().default('grey'),";

/** Asks the probe of the service until it is told to stop. @returns a function that stops, and gives the other statuses than 200. */
function watchReadiness(t: Test, url: string): () => Promise<number[]> {
  const others: number[] = [];
  let isWatching = true;
  const watch = async () => {
    for (; isWatching; await delay(INTERVAL)) {
      const { status } = await fetch(`${url}/readyz`);
      if (status !== 200) others.push(status);
    }
  };
  const watching = watch();
  const stop = async () => {
    isWatching = false;
    await watching;
    return others;
  };
  t.teardown(stop);
  return stop;
}

onEachEngine('A service is upgraded without downtime', async (t, engine) => {
  const folder = copyProject(t);
  const DATABASE_URL = await engine.makeDatabase(t);
  const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '2' };
  const edit = (file: string, from: string | RegExp, to: string) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const edited = text.replace(from, () => to);
    if (edited === text) throw new Error(`${file} does not contain ${from}`);
    writeFileSync(path, edited);
  };
  const upgraded = await manageProcess(['db', 'upgrade'], { folder, environment });
  t.equal(upgraded.code, 0, upgraded.stderr);
  const server = await startServer(t, { folder, environment });
  const load = await Load.start({ urls: [server.url], databaseUrl: DATABASE_URL });
  const unready = watchReadiness(t, server.url);
  const command = async (...args: string[]): Promise<string> => {
    const settings = { ...environment, PORT: server.port };
    const { code, stdout, stderr } = await manageProcess(args, { folder, environment: settings });
    // As the page says.
    if (stderr.includes('a lock that another connection holds was not released in time'))
      return command(...args);
    t.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    await load.answered(REQUESTS);
    return stdout;
  };
  const release = (version: string) => edit('package.json', /"version": "[^"]+"/, `"version": "${version}"`);
  const reload = async (version: string) => {
    t.equal(await command('reload'), '2 workers were replaced.\n');
    const { service } = JSON.parse(await command('status', '--json'));
    t.match(service.workers, [{ version }, { version }]);
  };

  await t.test('A release that adds a column', async (t) => {
    edit(TABLE, 'title: t.string', `${COLUMN}\n      title: t.string`);
    release('1.1.0');
    await command('db', 'revision', 'group_color');
    t.match(await command('db', 'upgrade'), /^applied \d{4}_group_color\n$/);
    await reload('1.1.0');
    t.match(await query(DATABASE_URL, 'SELECT color FROM `groups` LIMIT 1'), [{ color: 'grey' }]);
  });

  await t.test('A release whose code no longer has the column, but with no migration', async () => {
    edit(TABLE, COLUMN, '');
    release('1.2.0');
    await reload('1.2.0');
  });

  await t.test('A release that takes the column away', async (t) => {
    release('1.3.0');
    await command('db', 'revision', 'group_without_color');
    t.match(await command('db', 'upgrade', '--yes'), /^applied \d{4}_group_without_color\n$/);
    await reload('1.3.0');
    await t.rejects(query(DATABASE_URL, 'SELECT color FROM `groups` LIMIT 1'));
  });

  t.same(await unready(), []);
  t.same(await load.stop(), []);
  t.same(load.kinds, {});
  t.ok(load.writes > 0, `${load.writes} writes`);
  t.same(await server.stop(), { code: 0, signal: null });
});
