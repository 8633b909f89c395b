/** Where an operator may send a database, and what is answered when there is no such place or nothing to do. */
import { test } from 'tap';
import { engines, onEachEngine } from '../support/engines.ts';
import { ask, Scratch } from '../support/migrations.ts';
import { runServer } from '../support/processes.ts';

const NAMES = ['0000_first', '0001_one', '0002_two', '0003_three'];
const NOTHING = 'Nothing to do: the database is there already.';

function addThree(scratch: Scratch): Scratch {
  for (const name of NAMES.slice(1)) {
    scratch.add(name, [`CREATE TABLE t${name} (id int)`], [`DROP TABLE t${name}`]);
  }
  return scratch;
}

onEachEngine('a target', async (t, { makeDatabase }) => {
  const scratch = addThree(new Scratch(t));
  const url = await makeDatabase(t);
  const applied = async () => {
    const rows = await ask(url, 'SELECT created_at FROM __drizzle_migrations');
    return rows.length;
  };

  const moves: { direction: 'upgrade' | 'downgrade'; target: string; leaves: number }[] = [
    { direction: 'upgrade', target: '0001_one', leaves: 2 },
    { direction: 'upgrade', target: '0001_one', leaves: 2 },
    { direction: 'upgrade', target: '0000', leaves: 2 },
    { direction: 'upgrade', target: '0003', leaves: 4 },
    { direction: 'downgrade', target: '-1', leaves: 3 },
    { direction: 'downgrade', target: '-0', leaves: 3 },
    { direction: 'downgrade', target: '0003_three', leaves: 3 },
    { direction: 'downgrade', target: '0001', leaves: 2 },
    { direction: 'upgrade', target: '0002_two', leaves: 3 },
    { direction: 'downgrade', target: '-2', leaves: 1 },
    { direction: 'upgrade', target: '0003_three', leaves: 4 },
    { direction: 'downgrade', target: '0000_first', leaves: 1 },
    { direction: 'downgrade', target: 'base', leaves: 0 },
    { direction: 'upgrade', target: '0001', leaves: 2 },
    { direction: 'downgrade', target: '-9', leaves: 0 },
    { direction: 'downgrade', target: 'base', leaves: 0 },
  ];
  for (const { direction, target, leaves } of moves) {
    t.test(`${target} of ${direction} leaves ${leaves} applied`, async (t) => {
      await scratch.move(url, direction, target);
      t.equal(await applied(), leaves);
    });
  }

  for (const target of ['1', '0004', 'one', '', '0001_on', '--1', 'BASE']) {
    t.test(`"${target}" is none, and those that there are are named`, async (t) => {
      const unknown = {
        name: 'SchemaError',
        message: `There is no migration ${target}. There are: ${NAMES.join(', ')}.`,
      };
      await t.rejects(scratch.move(url, 'upgrade', target), unknown);
      await t.rejects(scratch.move(url, 'downgrade', target), unknown);
    });
  }
});

test('the commands', async (t) => {
  const scratch = addThree(new Scratch(t));
  const [engine] = engines;
  const url = (await engine?.makeDatabase(t)) ?? '';
  const refused = async (stderr: RegExp, ...args: string[]) =>
    t.match(await scratch.db(url, ...args), { code: 1, stdout: '', stderr });

  t.test('tell what they have done, and where the database stands', async (t) => {
    t.strictSame(
      await scratch.did(url, 'upgrade', '0002'),
      NAMES.slice(0, 3).map((name) => `applied ${name}`),
    );
    t.strictSame(await scratch.did(url, 'upgrade', '0002'), [NOTHING]);
    t.strictSame(await scratch.did(url, 'current'), ['0002_two', 'pending: 0003_three']);
    t.strictSame(await scratch.did(url, 'downgrade', '-1'), ['took back 0002_two']);
    t.match(await scratch.did(url, 'history'), [
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}0000_first {2}applied$/,
      /0001_one {2}applied$/,
      /0002_two {2}pending$/,
      /0003_three {2}pending$/,
    ]);
    await refused(/There is no migration 0009/, 'upgrade', '0009');
    await refused(/missing required argument 'target'/, 'downgrade');
    await refused(/too many arguments/, 'downgrade', 'base', '--yess');
    await refused(/Data is lost by 0000_first \(down\)/, 'downgrade', 'base');
    t.strictSame(await scratch.did(url, 'current'), ['0001_one', 'pending: 0002_two', 'pending: 0003_three']);
  });

  t.test('and the service refuse a database that is behind, or ahead of the code', async (t) => {
    const environment = { DATABASE_URL: url, AUTO_MIGRATE: 'false' };
    const behind = await runServer(environment, [], scratch.folder);
    t.match(behind, {
      code: 1,
      stderr: /behind the code by 2 migrations, the first being 0002_two.*"npm run manage -- db upgrade"/,
    });
    t.strictSame(await scratch.did(url, 'upgrade'), ['applied 0002_two', 'applied 0003_three']);
    const older = addThree(new Scratch(t));
    for (const dialect of ['sqlite', 'mysql'] as const) {
      const journal: { entries: object[] } = JSON.parse(older.text(dialect, 'meta/_journal.json'));
      older.write(
        dialect,
        'meta/_journal.json',
        JSON.stringify({ ...journal, entries: journal.entries.slice(0, 2) }),
      );
    }
    const ahead = /ahead of the code: it has 2 migrations that this version does not know, after 0001_one/;
    for (const args of [['upgrade'], ['downgrade', '-1']])
      t.match(await older.db(url, ...args), { code: 1, stderr: ahead });
    for (const AUTO_MIGRATE of ['true', 'false']) {
      t.match(await runServer({ ...environment, AUTO_MIGRATE }, [], older.folder), {
        code: 1,
        stderr: ahead,
      });
    }
    t.strictSame(await older.did(url, 'current'), ['0001_one', 'unknown to this version of the code: 2']);
    t.strictSame(await scratch.did(url, 'upgrade'), [NOTHING], 'and nothing was done to it');
  });
});
