/** manage db backup and restore: copies the database, and puts a copy back. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { credentialNames } from '../accounts/credentials.ts';
import { restoreBackup } from '../accounts/restore.ts';
import type { Undone } from '../accounts/undone.ts';
import { StatusReply } from '../config/control.ts';
import { sqliteFile } from '../config/database-url.ts';
import { type Backup, makeBackup, withBackup } from '../db/backup/file.ts';
import { openEngine } from '../db/database.ts';
import { type Engine, MissingDatabaseError } from '../db/engines/engine.ts';
import { setAside } from '../db/engines/sqlite/set-aside.ts';
import { ensureSchema, upgrade } from '../db/migrate/migrator.ts';
import { instant } from '../schemas/instant.ts';
import { commandSettings, withEngine } from './context.ts';
import { errorText } from './errors.ts';
import { operator } from './operator.ts';
import { askWhether } from './question.ts';
import { askService } from './service.ts';
import { print, printError } from './terminal.ts';

interface RestoreFlags {
  tokens?: 'keep' | 'end';
  keepReplaced: boolean;
  setAside: boolean;
}

export function addBackupCommands(db: Command): void {
  db.command('backup <file>')
    .description('copy the database into a new file, while it is in use')
    .action((file: string) =>
      withEngine(async (engine) => {
        const { migration } = await makeBackup(engine, file);
        print(`copied to ${file}, as of ${migration}`);
      }),
    );

  db.command('restore <file>')
    .description(
      'replace the database by a backup, and tell what that undoes; ends all sessions and one-time codes; the service may run',
    )
    .addOption(
      new Option(
        '--tokens <what>',
        'whether API tokens of the backup that have not ended since stay',
      ).choices(['keep', 'end']),
    )
    .option('--no-keep-replaced', 'make no backup of the database that is replaced')
    .option(
      '--set-aside',
      'where the database can not be read, move its files aside and make a new one; first stop the service',
      false,
    )
    .action((file: string, flags: RestoreFlags) =>
      withBackup(file, (backup) => restore(file, backup, flags)),
    );
}

async function restore(file: string, backup: Backup, flags: RestoreFlags): Promise<void> {
  const keepCredentials = await mayCredentialsStay(flags);
  const { engine, isNew } = await openReplaced(flags);
  const keepReplaced = `${resolve(file)}.replaced-${timeForName()}`;
  const willKeep = flags.keepReplaced && !isNew;
  let undone = 0;
  try {
    await restoreBackup(engine, operator, backup, {
      keepCredentials,
      ...(willKeep ? { keepReplaced } : {}),
      onUndone(each) {
        if (undone++ === 0) print(`taken away since the backup, and back with it:`);
        print(`  ${formatUndone(each)}`);
      },
    });
  } finally {
    await engine.close();
  }
  if (isNew)
    print(
      'The database that is replaced could not be read: what was taken away since the backup is not known.',
    );
  else if (undone === 0) print('nothing was taken away since the backup');
  if (willKeep) print(`the database that was replaced is in ${keepReplaced}`);
  print(
    `restored ${file}, which version ${backup.version} made at ${instant(backup.madeAt)}; all sessions and one-time codes have ended`,
  );
}

async function mayCredentialsStay({ tokens }: RestoreFlags): Promise<boolean> {
  if (tokens !== undefined) return tokens === 'keep';
  const names = credentialNames();
  if (names.length === 0) return false;
  return askWhether(
    `Do the ${names.join(' and ')} in the backup stay, but for those that have ended since?`,
    'say --tokens keep or --tokens end',
  );
}

/**
 * Opens the database that is replaced; where it can't be read, a new one in its place, if the operator wants that.
 * @throws {MissingDatabaseError} @throws {MigrationError} @throws {DatabaseUnavailableError}
 */
async function openReplaced(flags: RestoreFlags): Promise<{ engine: Engine; isNew: boolean }> {
  const settings = commandSettings();
  const file = sqliteFile(settings.DATABASE_URL);
  try {
    const engine = await openEngine(settings);
    try {
      await assertReadable(engine);
      return { engine, isNew: false };
    } catch (error) {
      await engine.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof MissingDatabaseError) throw error;
    const reason = `The database can't be read: ${errorText(error)}`;
    if (file === undefined)
      throw new Error(
        `${reason} Or restore into another one: make an empty database, name it in DATABASE_URL, and run "npm run manage -- db upgrade" before this.`,
      );
    if (!flags.setAside) {
      printError(reason);
      const isWanted = await askWhether(
        'Move its files aside and restore into a new one? What was taken away since the backup is not known then. Stop the service first.',
        'say --set-aside',
      );
      if (!isWanted) throw new Error('Nothing was changed.');
    }
    await assertStopped();
    const aside = `${file}.set-aside-${timeForName()}`;
    setAside(file, aside);
    print(`the database that could not be read is in ${aside}`);
    const engine = await openEngine(settings, { create: true });
    await upgrade(engine);
    return { engine, isNew: true };
  }
}

/** @throws when a service runs that has the database open: it may still write beside the file. */
async function assertStopped(): Promise<void> {
  const status = await askService('status', StatusReply).catch(() => undefined);
  if (status) throw new Error(`Stop the service at ${status.url} first. Nothing was changed.`);
}

/** @throws when the database has not the schema of this version, or is damaged. */
async function assertReadable(engine: Engine): Promise<void> {
  await ensureSchema(engine, false);
  if (engine.dialect === 'mysql') return;
  const [found] = await engine.query('PRAGMA quick_check(1)');
  if (found?.quick_check !== 'ok') throw new Error(`${found?.quick_check}.`);
}

function formatUndone(undone: Undone): string {
  if (undone.kind === 'user') return `user ${undone.username}: was ${undone.was}`;
  if (undone.kind === 'permission')
    return `group ${undone.group}: did not carry ${undone.permission} any more`;
  const rank = undone.isAdministrator ? ', which carries every permission (*)' : '';
  return `group ${undone.group}${rank}: ${undone.username} was ${undone.was}`;
}

/** @returns the time as a part of a file's name. */
function timeForName(): string {
  return new Date().toISOString().replaceAll(/[-:.]/g, '');
}
