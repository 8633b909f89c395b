/** Tests the targets of `manage db upgrade` and `manage db downgrade`: names, numbers, relative steps and unknown ones. */

import { query } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { copyWithThreeMigrations, MIGRATION_NAMES } from '../../support/migrations.ts';

onEachEngine('Upgrade and downgrade go to the given target', async (t, { makeDatabase }) => {
  const project = copyWithThreeMigrations(t);
  const url = await makeDatabase(t);
  const countApplied = async () => {
    const rows = await query(url, 'SELECT created_at FROM __drizzle_migrations');
    return rows.length;
  };

  const moves: { direction: 'upgrade' | 'downgrade'; target: string; applied: number }[] = [
    { direction: 'upgrade', target: '0001_one', applied: 2 },
    { direction: 'upgrade', target: '0001_one', applied: 2 },
    { direction: 'upgrade', target: '0000', applied: 2 },
    { direction: 'upgrade', target: '0003', applied: 4 },
    { direction: 'downgrade', target: '-1', applied: 3 },
    { direction: 'downgrade', target: '-0', applied: 3 },
    { direction: 'downgrade', target: '0003_three', applied: 3 },
    { direction: 'downgrade', target: '0001', applied: 2 },
    { direction: 'upgrade', target: '0002_two', applied: 3 },
    { direction: 'downgrade', target: '-2', applied: 1 },
    { direction: 'upgrade', target: '0003_three', applied: 4 },
    { direction: 'downgrade', target: '0000_first', applied: 1 },
    { direction: 'downgrade', target: 'base', applied: 0 },
    { direction: 'upgrade', target: '0001', applied: 2 },
    { direction: 'upgrade', target: '+0', applied: 2 },
    { direction: 'upgrade', target: '+1', applied: 3 },
    { direction: 'downgrade', target: '-3', applied: 0 },
    { direction: 'downgrade', target: 'base', applied: 0 },
    { direction: 'upgrade', target: '+2', applied: 2 },
  ];
  for (const { direction, target, applied } of moves) {
    t.test(`${direction} ${target} leaves ${applied} migrations applied`, async (t) => {
      await project.migrate(url, direction, target);
      t.equal(await countApplied(), applied);
    });
  }

  const tooMany = [
    {
      direction: 'downgrade',
      target: '-3',
      reason: /^-3 can't be taken back: only 2 migrations are applied\. .* base /,
    },
    { direction: 'downgrade', target: '-10', reason: /only 2 migrations are applied/ },
    {
      direction: 'upgrade',
      target: '+3',
      reason: /^\+3 can't be applied: only 2 migrations are pending\. Without/,
    },
  ] as const;
  for (const { direction, target, reason } of tooMany) {
    t.test(`${direction} ${target} is refused with two migrations on either side`, async (t) => {
      const before = await query(url, 'SELECT * FROM __drizzle_migrations');
      t.equal(before.length, 2);
      const { code, stdout, stderr } = await project.runDb(url, direction, target, '--yes');
      t.strictSame({ code, stdout }, { code: 1, stdout: '' });
      t.match(stderr.replace(/^manage: /, ''), reason);
      t.strictSame(await query(url, 'SELECT * FROM __drizzle_migrations'), before);
    });
  }

  for (const target of ['1', '0004', 'one', '', '0001_on', '--1', '+-1', '-1.5', 'BASE']) {
    t.test(`The unknown target "${target}" is refused with the list of migrations`, async (t) => {
      const unknown = {
        name: 'MigrationError',
        message: `There is no migration ${target}. There are: ${MIGRATION_NAMES.join(', ')}.`,
      };
      await t.rejects(project.migrate(url, 'upgrade', target), unknown);
      await t.rejects(project.migrate(url, 'downgrade', target), unknown);
    });
  }
});
