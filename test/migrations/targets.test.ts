/** Where an operator may send a database, and what is answered when there is no such place or nothing to do. */
import { onEachEngine } from '../support/engines.ts';
import { ask, NAMES, withThree } from '../support/migrations.ts';

onEachEngine('a target', async (t, { makeDatabase }) => {
  const scratch = withThree(t);
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
        name: 'MigrationError',
        message: `There is no migration ${target}. There are: ${NAMES.join(', ')}.`,
      };
      await t.rejects(scratch.move(url, 'upgrade', target), unknown);
      await t.rejects(scratch.move(url, 'downgrade', target), unknown);
    });
  }
});
