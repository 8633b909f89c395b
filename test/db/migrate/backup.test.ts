/** A backup that is made while the service writes must be complete and consistent. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { makeId } from '../../../db/ids.ts';
import { query, schemaOf } from '../../support/database-content.ts';
import { makeFile, sessionOf, userNamed } from '../../support/files.ts';
import { makeFolder, manage, manageProcess, PROJECT, run } from '../../support/processes.ts';

test('"manage db backup" copies a database in use', async (t) => {
  const { path, db } = await makeFile(t);
  const environment = { DATABASE_URL: `sqlite:${path}` };
  const copy = join(makeFolder(t), 'copy.db');

  t.test('A backup made during writes is a consistent database', async (t) => {
    const groupId = makeId();
    await db.atomically(db.groups.add({ id: groupId, name: 'all', title: '', permissions: [] }, 1));
    let written = 0;
    const write = async () => {
      const user = userNamed(`user-${++written}`);
      const membership = { groupId, userId: user.id, role: 'member' as const };
      const now = Date.now();
      await db.atomically([
        db.users.add(user, now),
        db.memberships.add(membership, now),
        db.sessions.add(sessionOf(user.id)),
      ]);
    };
    while (written < 200) await write();
    let finished = false;
    const backup = manageProcess(['db', 'backup', copy], { environment }).finally(() => {
      finished = true;
    });
    while (!finished && written < 1_000_000) {
      await write();
      await nextTurn();
    }
    t.match(await backup, { code: 0, stdout: new RegExp(`^copied to ${copy}, as of \\d{4}_\\w+\n$`) });

    const url = `sqlite:${copy}`;
    t.strictSame(await query(url, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    t.strictSame(await query(url, 'PRAGMA foreign_key_check'), []);
    const tables = (await schemaOf(url)).filter(({ name }) => name !== '__rollcall_backup');
    t.strictSame(tables, await schemaOf(environment.DATABASE_URL));
    const users = await query(url, 'SELECT username FROM users ORDER BY id');
    const members = await query(url, 'SELECT user_id FROM memberships');
    t.strictSame(await query(url, 'SELECT user_id FROM sessions'), []);
    t.ok(users.length >= 200 && users.length <= written, `${users.length} of ${written} users`);
    t.equal(
      members.length,
      users.length,
      'each user has the membership that was written in the same transaction',
    );
    t.strictSame(
      new Set(users.map(({ username }) => username)),
      new Set(users.map((_user, index) => `user-${index + 1}`)),
      'no user is missing between the first and the last',
    );
    t.match(await manage(['db', 'current'], { environment: { DATABASE_URL: url } }), {
      code: 0,
      stdout: /^\d{4}_\w+\n$/,
    });
  });

  t.test('A failed backup leaves no file', async (t) => {
    const file = join(makeFolder(t), 'copy.db');
    // 48 KiB per file is less than the database needs, and more than the files that SQLite keeps beside it.
    const limited = `ulimit -f 48; exec "${process.execPath}" manage.ts db backup "${file}"`;
    const failed = await run(PROJECT, 'bash', ['-c', limited], { environment });
    t.match(failed, { code: 1, stdout: '', stderr: /^manage: .*SQLITE_(FULL|IOERR).*\n$/ });
    t.notOk(existsSync(file));
    t.match(
      await manage(['db', 'backup', file], { environment }),
      { code: 0 },
      'the backup succeeds without the limit',
    );
  });

  t.test('A backup does not overwrite an existing file', async (t) => {
    const file = join(makeFolder(t), 'precious');
    writeFileSync(file, 'precious');
    const { code, stdout, stderr } = await manage(['db', 'backup', file], { environment });
    t.strictSame({ code, stdout }, { code: 1, stdout: '' });
    t.match(stderr, `There is a file ${file} already.`);
    t.equal(readFileSync(file, 'utf8'), 'precious');
  });
});
