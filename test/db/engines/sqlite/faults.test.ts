/** What can be wrong with an SQLite file that the service has open: it is locked for readers, too, or damaged. */
import { existsSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { makeBackup } from '../../../../db/backup/file.ts';
import { prepareQueries } from '../../../../db/database.ts';
import { DatabaseUnavailableError } from '../../../../db/engines/engine.ts';
import { upgrade } from '../../../../db/migrate/migrator.ts';
import { makeFile, newPath, openBeside, openFile, userNamed } from '../../../support/files.ts';

test('A read waits for a lock on a file without a write-ahead log (WAL)', async (t) => {
  const path = newPath(t);
  const before = await openFile(t, path);
  await upgrade(before);
  await before.close();
  const other = openBeside(t, path);
  // As a copy by VACUUM INTO has it. Readers then wait for the writer.
  other.pragma('journal_mode = DELETE');
  const db = prepareQueries(await openFile(t, path));
  other.exec('BEGIN EXCLUSIVE');
  let isDone = false;
  const read = db.users.page('', 10).finally(() => {
    isDone = true;
  });
  // This event loop also releases the lock, so a read that blocks it until then can't succeed.
  await nextTurn();
  t.notOk(isDone, 'the read waits');
  other.exec('COMMIT');
  t.strictSame(await read, []);
});

test('A checkpoint of a file that was overwritten fails, and so does the next one', async (t) => {
  const { db, engine, path } = await makeFile(t, { worker: true });
  await engine.checkpoint();
  await db.atomically([db.users.add(userNamed('ann'), 1)]);
  writeFileSync(path, 'no database '.repeat(2_000));
  for (const which of ['the first', 'the second'])
    await t.rejects(engine.checkpoint(), DatabaseUnavailableError, which);
});

test('A backup of a file that was overwritten fails and leaves no file', async (t) => {
  const { engine, path } = await makeFile(t);
  writeFileSync(path, 'no database '.repeat(2_000));
  await t.rejects(makeBackup(engine, `${path}.copy`), DatabaseUnavailableError);
  t.notOk(existsSync(`${path}.copy`), 'a partial copy is not taken for a backup');
});
