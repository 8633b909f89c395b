/** Migrations that move data are written by hand: `revision --custom` makes the files, and both directions are ours. */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, rowsOf, Scratch, schemaOf } from '../support/migrations.ts';

const BREAK = '--> statement-breakpoint\n';

test('migrations that are written by hand', async (t) => {
  const scratch = new Scratch(t);
  await scratch.revise('moved', '--custom');
  const dialects = ['sqlite', 'mysql'] as const;

  t.test('are made as four files that do nothing yet', async (t) => {
    for (const dialect of dialects) {
      for (const file of ['0001_moved.sql', '0001_moved.down.sql']) {
        t.notMatch(scratch.text(dialect, file), /^(?!--).*\S/m, 'only comments');
      }
    }
    for (const { name, makeDatabase } of engines) {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0001_moved');
      const schema = await schemaOf(url);
      await scratch.move(url, 'downgrade', '0000_first');
      t.strictSame(await schemaOf(url), schema, name);
    }
    t.match(await scratch.db('sqlite:data/nothing.db', 'check'), {
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

  t.test('are accepted once they have been written', async (t) => {
    for (const dialect of dialects) {
      scratch.write(dialect, '0001_moved.sql', up.join(BREAK));
      scratch.write(dialect, '0001_moved.down.sql', down.join(BREAK));
    }
    const edited = /0001_moved\.sql was edited since it was made.*"npm run manage -- db check --accept"/;
    t.match(await scratch.db('sqlite:data/nothing.db', 'check'), { code: 1, stdout: edited });
    t.match(await scratch.db('sqlite:data/nothing.db', 'check', '--accept'), { code: 0 });
    t.match(await scratch.db('sqlite:data/nothing.db', 'check'), { code: 0 });
  });

  for (const { name, makeDatabase } of engines) {
    t.test(`move data up and back, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0000_first');
      await fill(url);
      const before = await rowsOf(url);
      await scratch.move(url, 'upgrade', '0001_moved');
      t.match(await ask(url, "SELECT COUNT(*) AS n FROM group_permissions WHERE permission = 'audit:read'"), [
        { n: 3 },
      ]);
      t.match(await ask(url, "SELECT COUNT(*) AS n FROM users WHERE name LIKE '% Æ🦊 users name'"), [
        { n: 3 },
      ]);
      await scratch.move(url, 'downgrade', '-1');
      t.strictSame(await rowsOf(url), before);
    });
  }
});
