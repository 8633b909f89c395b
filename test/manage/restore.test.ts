/** A restored backup is exact, on both engines and from one to the other, and brings back nothing that has ended since. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { commandsOn, fails, objects, showsSecret, succeeds } from '../support/commands.ts';
import { answerAsService } from '../support/control.ts';
import { fillTables, query, rowsOf } from '../support/database-content.ts';
import { engines, onEachEngine } from '../support/engines.ts';
import { makeFile, openBeside } from '../support/files.ts';
import { makeFolder, manage } from '../support/processes.ts';
import { Client, makeUser, quickHashing, signedIn, startService, whoamiStatus } from '../support/service.ts';

/** Tables that a backup leaves out, or to which a restore adds; and the notes of migrations, which a database keeps. */
const OTHERS = ['attempts', 'audit', 'codes', 'sessions', '__drizzle_migrations', '__rollcall_unfinished'];

const restored = (file: string, tokens: 'keep' | 'end') => ['db', 'restore', file, '--tokens', tokens];

async function lasting(url: string) {
  const rows = await rowsOf(url);
  return Object.fromEntries(Object.entries(rows).filter(([table]) => !OTHERS.includes(table)));
}

onEachEngine('A backup is restored exactly, on either engine', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const command = commandsOn(url);
  const folder = makeFolder(t);
  const file = join(folder, 'copy');
  fails(t, await command(['db', 'backup', file]), /no tables of Rollcall yet|There is no database/);
  succeeds(t, await command(['db', 'upgrade']));
  await fillTables(url);
  const before = await lasting(url);
  const { audit = [] } = await rowsOf(url);
  succeeds(t, await command(['db', 'backup', file]), /^copied to \S+copy, as of \d{4}_\w+\n$/);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.strictSame(readdirSync(folder), ['copy'], 'nothing else is left in the folder');
  const content = await rowsOf(`sqlite:${file}`);
  for (const table of ['sessions', 'codes', 'attempts']) t.strictSame(content[table], [], table);
  fails(t, await command(['db', 'backup', file]), /There is a file \S+copy already/);

  // What the tables of SQLite were filled with is more than those of MySQL take.
  for (const other of engines.filter((each) => name === 'MySQL' || each.name === name)) {
    const otherUrl = await other.makeDatabase(t);
    const onOther = commandsOn(otherUrl);
    fails(t, await onOther(restored(file, 'keep')), /db upgrade/);
    succeeds(t, await onOther(['db', 'upgrade']));
    succeeds(t, await onOther(restored(file, 'keep')), /^nothing was taken away since the backup\n/);
    t.strictSame(await lasting(otherUrl), before, `into ${other.name}`);
    const trail = (await rowsOf(otherUrl)).audit ?? [];
    const isRestore = ({ event }: { event?: unknown }) => event === 'database-restored';
    t.strictSame(
      trail.filter((row) => !isRestore(row)),
      audit,
    );
    t.equal(trail.filter(isRestore).length, 1);
    t.match(await onOther(['db', 'check']), { stdout: /sound/ });
    const back = join(folder, `from ${other.name}`);
    succeeds(t, await onOther(['db', 'backup', back]));
    succeeds(t, await command([...restored(back, 'keep'), '--no-keep-replaced']));
    t.strictSame(await lasting(url), before, `back from ${other.name}`);
  }
});

onEachEngine('A restore beside a running service', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  const folder = makeFolder(t);
  const file = join(folder, 'copy');
  await makeUser(app, 'ann', { admin: true });
  for (const name of ['bob', 'cem', 'dan', 'eve']) await makeUser(app, name);
  succeeds(t, await command(['group', 'create', 'writers', '--permission', 'users:write', 'groups:write']));
  succeeds(t, await command(['group', 'add', 'writers', 'eve', '--manager']));
  succeeds(t, await command(['group', 'add', 'admins', 'dan']));
  const ann = await signedIn(app, 'ann');
  succeeds(t, await command(['db', 'backup', file]));

  const code = showsSecret(t, await command(['user', 'code', 'eve']), /^rcc_/, /sets a password/);
  succeeds(t, await command(['user', 'disable', 'bob']));
  succeeds(t, await command(['user', 'delete', 'cem']));
  succeeds(t, await command(['user', 'password', 'eve', '--password-stdin'], 'quite another horse'));
  succeeds(t, await command(['group', 'remove', 'admins', 'dan']));
  succeeds(t, await command(['group', 'add', 'writers', 'eve']));
  const writers = (await app.db.groups.findByName('writers'))?.id ?? '';
  const fewer = { permissions: ['groups:write'] };
  t.equal((await ann.request('PATCH', `/api/groups/${writers}`, fewer)).statusCode, 200);
  await makeUser(app, 'fay');
  t.equal(await whoamiStatus(ann), 200, 'the service has its session in its cache');
  t.equal(await whoamiStatus(ann), 200);

  await t.test('It tells what it undoes, and its effect is seen with the next request', async (t) => {
    const done = await command(restored(file, 'keep'));
    succeeds(t, done, /all sessions and one-time codes have ended\n$/);
    t.strictSame(done.stdout.split('\n').slice(0, 8), [
      'taken away since the backup, and back with it:',
      '  user bob: was disabled',
      '  user cem: was deleted',
      '  user eve: was given another password',
      '  group admins, which carries every permission (*): dan was removed',
      '  group writers: eve was made a member, who manages nothing',
      '  group writers: did not carry users:write any more',
      `the database that was replaced is in ${done.stdout.match(/is in (\S+)/)?.[1]}`,
    ]);
    t.equal(await whoamiStatus(ann), 401);
    for (const name of ['bob', 'cem', 'eve']) t.equal(await whoamiStatus(await signedIn(app, name)), 200);
    t.equal((await new Client(app).signIn('fay')).statusCode, 401, 'who came after the backup is gone');
    const reset = { code, password: 'a third horse by now' };
    t.equal((await new Client(app).request('POST', '/api/sign/reset', reset)).statusCode, 400);
  });

  await t.test('The audit trail tells of it', async (t) => {
    const listed = objects(await command(['audit', 'list', '--event', 'database-restored', '--json']));
    const after = { version: /^\d+\./, madeAt: /Z$/, credentials: 'kept' };
    t.match(listed, [{ actor: null, via: 'manage', target: null, before: null, after }]);
  });

  await t.test('What was replaced can be restored', async (t) => {
    const kept = readdirSync(folder).find((name) => name.includes('.replaced-')) ?? '';
    t.match(await command([...restored(join(folder, kept), 'end'), '--no-keep-replaced']), { code: 0 });
    t.equal(readdirSync(folder).length, 2, 'no further backup is made');
    t.match(await command(['user', 'show', 'bob']), { stdout: /^active +false$/m });
  });

  await t.test('Without the flag it asks about tokens, at a terminal only', async (t) => {
    const environment = { DATABASE_URL: settings.DATABASE_URL };
    const restore = ['db', 'restore', file];
    fails(t, await manage(restore, { environment }), /say --tokens keep or --tokens end/);
    const answers = { 'yes\n': 'kept', 'n\n': 'ended', '': 'ended' };
    for (const [input, credentials] of Object.entries(answers)) {
      const done = await manage(restore, { environment, input, isTTY: true });
      t.match(done, { code: 0, stderr: /^Do the API tokens in the backup stay, .*\? \(y\/n\)\n$/ });
      const [entry] = objects(await command(['audit', 'list', '--event', 'database-restored', '--json']));
      t.match(entry, { after: { credentials } });
    }
  });
});

onEachEngine('A file that can not be restored changes nothing', async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const command = commandsOn(url);
  succeeds(t, await command(['db', 'upgrade']));
  await fillTables(url);
  const folder = makeFolder(t);
  const good = join(folder, 'good');
  succeeds(t, await command(['db', 'backup', good]));
  const before = await rowsOf(url);
  const write = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const truncated = write('truncated', readFileSync(good));
  truncateSync(truncated, statSync(good).size - 8192);
  const later = write('later', readFileSync(good));
  await query(`sqlite:${later}`, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e12)");
  const timeless = write('timeless', readFileSync(good));
  await query(`sqlite:${timeless}`, "UPDATE __rollcall_backup SET made_at = 'x'");
  const dangling = write('dangling', readFileSync(good));
  const client = openBeside(t, dangling);
  client.pragma('foreign_keys = OFF');
  client.exec("INSERT INTO memberships VALUES ('no group', 'no user', 'member', 0)");
  const { path: plain } = await makeFile(t);
  const pipe = join(folder, 'pipe');
  if (process.platform !== 'win32') execFileSync('mkfifo', [pipe]);

  for (const [file, reason] of [
    [join(folder, 'missing'), /There is no file/],
    [folder, /There is no file/],
    [pipe, /There is no file/],
    [write('empty', ''), /is no backup|is a database, but no backup/],
    [write('text', 'no database '.repeat(2_000)), /is no backup, or is damaged/],
    [truncated, /is damaged|is no backup, or is damaged/],
    [later, /The backup was made by version \d+\.\S+, and has a migration that this version does not know/],
    [dangling, /rows that refer to nothing/],
    [timeless, /is a database, but no backup/],
    [plain, /is a database, but no backup/],
  ] as const)
    fails(t, await command(restored(file, 'keep')), reason);
  t.strictSame(await rowsOf(url), before);
});

onEachEngine('A backup of an earlier version is brought up to date', async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const command = commandsOn(url);
  const file = join(makeFolder(t), 'copy');
  succeeds(t, await command(['db', 'upgrade', '0004']));
  succeeds(t, await command(['db', 'backup', file]), /as of 0004_/);
  fails(t, await command(restored(file, 'end')), /The database is behind the code/);
  succeeds(t, await command(['db', 'upgrade']));
  succeeds(t, await command(restored(file, 'end')));
});

test('A SQLite database that can not be read is set aside', async (t) => {
  // No process has the file open while it is overwritten.
  const path = join(makeFolder(t), 'rollcall.db');
  const environment = { DATABASE_URL: `sqlite:${path}` };
  const file = join(makeFolder(t), 'copy');
  succeeds(t, await manage(['db', 'upgrade'], { environment }));
  succeeds(
    t,
    await manage(['user', 'create', 'ann', '--password-stdin'], {
      environment,
      input: 'correct horse battery',
    }),
  );
  succeeds(t, await manage(['db', 'backup', file], { environment }));
  writeFileSync(path, 'no database '.repeat(2_000));

  const restore = [...restored(file, 'keep')];
  const refused = await manage(restore, { environment });
  fails(t, refused, /^The database can't be read: .* not a database\.\nmanage: .*say --set-aside/);
  const declined = await manage(restore, { environment, input: 'n\n', isTTY: true });
  t.match(declined, { code: 1, stdout: '', stderr: /Nothing was changed/ });
  const stop = await answerAsService(t, environment);
  fails(t, await manage([...restore, '--set-aside'], { environment }), /Stop the service at http:\S+ first/);
  stop();
  const done = await manage([...restore, '--set-aside'], { environment });
  succeeds(t, done, /could not be read: what was taken away since the backup is not known/);
  const aside = done.stdout.match(/could not be read is in (\S+)/)?.[1] ?? '';
  t.match(readFileSync(aside, 'utf8'), /^no database no database/);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.notOk(existsSync(`${file}.replaced`));
  t.strictSame(openBeside(t, path).prepare('SELECT username FROM users').pluck().all(), ['ann']);
});
