/** A copy of the database that is made while the service writes must be whole: it is what is left after a disaster. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { makeFile, sessionOf, userNamed } from '../support/files.ts';
import { ask, schemaOf } from '../support/migrations.ts';
import { makeFolder, manage, PROJECT, run } from '../support/processes.ts';

test('db backup', async (t) => {
  const { path, db } = await makeFile(t);
  const environment = { DATABASE_URL: `sqlite:${path}` };
  const copy = join(makeFolder(t), 'copy.db');

  t.test('makes a whole copy of a database in use', async (t) => {
    let written = 0;
    const write = async () => {
      const user = userNamed(`user-${++written}`);
      await db.atomically([db.users.add(user, Date.now()), db.sessions.add(sessionOf(user.id))]);
    };
    while (written < 200) await write();
    let copied = false;
    const backup = manage(['db', 'backup', copy], { environment }).finally(() => {
      copied = true;
    });
    while (!copied && written < 1_000_000) {
      await write();
      await nextTurn();
    }
    t.match(await backup, { code: 0, stdout: `copied to ${copy}\n` });

    const url = `sqlite:${copy}`;
    t.strictSame(await ask(url, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    t.strictSame(await ask(url, 'PRAGMA foreign_key_check'), []);
    t.strictSame(await schemaOf(url), await schemaOf(environment.DATABASE_URL));
    const users = await ask(url, 'SELECT username FROM users ORDER BY id');
    const sessions = await ask(url, 'SELECT user_id FROM sessions');
    t.ok(users.length >= 200 && users.length <= written, `${users.length} of ${written} users`);
    t.equal(sessions.length, users.length, 'what was written together is there together');
    t.strictSame(
      new Set(users.map(({ username }) => username)),
      new Set(users.map((_user, index) => `user-${index + 1}`)),
      'all that had been written before',
    );
    t.match(await manage(['db', 'current'], { environment: { DATABASE_URL: url } }), {
      code: 0,
      stdout: /^\d{4}_\w+\n$/,
    });
  });

  t.test('leaves nothing when it fails, which could be taken for a copy', async (t) => {
    const file = join(makeFolder(t), 'copy.db');
    // No file may grow beyond 48 KiB, which is less than the database has and more than SQLite keeps beside it.
    const limited = `ulimit -f 48; exec "${process.execPath}" manage.ts db backup "${file}"`;
    const failed = await run(PROJECT, 'bash', ['-c', limited], { environment });
    t.match(failed, { code: 1, stdout: '', stderr: /^manage: .*SQLITE_(FULL|IOERR).*\n$/ });
    t.notOk(existsSync(file));
    t.match(await manage(['db', 'backup', file], { environment }), { code: 0 }, 'and it can be made later');
  });

  t.test('refuses a file that is there', async (t) => {
    const file = join(makeFolder(t), 'precious');
    writeFileSync(file, 'precious');
    const { code, stdout, stderr } = await manage(['db', 'backup', file], { environment });
    t.strictSame({ code, stdout }, { code: 1, stdout: '' });
    t.match(stderr, `There is a file ${file} already.`);
    t.equal(readFileSync(file, 'utf8'), 'precious');
  });

  for (const { makeDatabase } of engines.filter(({ name }) => name === 'MySQL')) {
    t.test('names the tool on MySQL', async (t) => {
      const refused = await manage(['db', 'backup', join(makeFolder(t), 'copy')], {
        environment: { DATABASE_URL: await makeDatabase(t) },
      });
      t.match(refused, { code: 1, stdout: '', stderr: /mariadb-dump --single-transaction.*mysqldump/ });
    });
  }
});
