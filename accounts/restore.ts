/** The rule for restoring a backup: what it must not bring back, what it undoes, and that the audit trail tells of it. */
import { type Backup, makeBackup } from '../db/backup/file.ts';
import { replaceRows } from '../db/backup/replace.ts';
import { prepareQueries } from '../db/database.ts';
import type { Engine } from '../db/engines/engine.ts';
import type { Actor } from './actor.ts';
import { recordEvent } from './change.ts';
import { endRestoredCredentials } from './credentials.ts';
import { findUndone, type Undone } from './undone.ts';

export interface RestoreOptions {
  /** Whether API tokens and their like stay, but for those that have ended since the backup was made. */
  keepCredentials: boolean;
  /** The new file for a backup of the database that is replaced, if that is wanted. */
  keepReplaced?: string;
  /** Is told what the restore undoes, before it is done. */
  onUndone(undone: Undone): void;
}

/**
 * Replaces the database by the backup. All sessions and one-time codes end.
 * @throws {MigrationError} @throws {DatabaseUnavailableError} @throws {Error} Nothing was changed then, unless COMMIT was not answered.
 */
export async function restoreBackup(
  engine: Engine,
  actor: Actor,
  backup: Backup,
  { keepCredentials, keepReplaced, onUndone }: RestoreOptions,
): Promise<void> {
  const [restored, replaced] = [prepareQueries(backup.engine), prepareQueries(engine)];
  const after = {
    version: backup.version,
    madeAt: new Date(backup.madeAt).toISOString(),
    credentials: keepCredentials ? 'kept' : 'ended',
  };
  // Into the backup, with whose rows it comes into the database.
  await recordEvent(restored, actor, { event: 'database-restored', target: null, after });
  await replaceRows(engine, backup, async () => {
    const isNew = (await replaced.users.page('', 1)).length === 0;
    if (!isNew) for await (const undone of findUndone(restored, replaced)) onUndone(undone);
    if (!keepCredentials || !isNew)
      await endRestoredCredentials(restored, keepCredentials ? replaced : undefined);
    if (keepReplaced !== undefined) await makeBackup(engine, keepReplaced);
  });
}
