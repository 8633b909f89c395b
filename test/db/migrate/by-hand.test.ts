/** Migrations that move data are written by hand, in files that `manage db revision --custom` makes. */
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';

const BREAK = '--> statement-breakpoint\n';

test('Migrations can be written by hand', async (t) => {
  const project = new ProjectCopy(t);
  await project.revise('moved', '--custom');
  const dialects = ['sqlite', 'mysql'] as const;

  t.test('"revision --custom" makes four files that do nothing yet', async (t) => {
    for (const dialect of dialects) {
      for (const file of ['0001_moved.sql', '0001_moved.down.sql']) {
        t.notMatch(project.text(dialect, file), /^(?!--).*\S/m, `${dialect}/${file} contains only comments`);
      }
    }
    for (const { name, makeDatabase } of engines) {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0001_moved');
      const schema = await schemaOf(url);
      await project.migrate(url, 'downgrade', '0000_first');
      t.strictSame(await schemaOf(url), schema, name);
    }
    t.match(await project.runDb('sqlite:data/nothing.db', 'check'), {
      code: 0,
      stdout: 'The migrations are sound.\n',
    });
  });

  const up = [
    "-- Everyone in a group may read what was done; a comment with a ; in it\nINSERT INTO group_permissions (group_id, permission) SELECT id, 'audit:read' FROM `groups`;",
    "UPDATE users SET name = REPLACE(name, 'Ä', 'Æ') WHERE name LIKE '%Ä%';",
    '-- nothing but a comment',
  ];
  const down = [
    "UPDATE users SET name = REPLACE(name, 'Æ', 'Ä') WHERE name LIKE '%Æ%';",
    "DELETE FROM group_permissions WHERE permission = 'audit:read';",
  ];

  t.test('"db check" refuses the written files until "--accept"', async (t) => {
    for (const dialect of dialects) {
      project.write(dialect, '0001_moved.sql', up.join(BREAK));
      project.write(dialect, '0001_moved.down.sql', down.join(BREAK));
    }
    const edited = /0001_moved\.sql was edited since it was made.*"npm run manage -- db check --accept"/;
    t.match(await project.runDb('sqlite:data/nothing.db', 'check'), { code: 1, stdout: edited });
    t.match(await project.runDb('sqlite:data/nothing.db', 'check', '--accept'), { code: 0 });
    t.match(await project.runDb('sqlite:data/nothing.db', 'check'), { code: 0 });
  });

  for (const { name, makeDatabase } of engines) {
    t.test(`Hand-written migrations move data up and down, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000_first');
      await fillTables(url);
      const before = await rowsOf(url);
      await project.migrate(url, 'upgrade', '0001_moved');
      t.match(
        await query(url, "SELECT COUNT(*) AS n FROM group_permissions WHERE permission = 'audit:read'"),
        [{ n: 3 }],
      );
      t.match(await query(url, "SELECT COUNT(*) AS n FROM users WHERE name LIKE '% Æ🦊 users name'"), [
        { n: 3 },
      ]);
      await project.migrate(url, 'downgrade', '-1');
      t.strictSame(await rowsOf(url), before);
    });
  }
});
