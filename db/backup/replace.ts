/** Restores a backup: replaces the rows of a database in one transaction, while the service runs. */

import { getTableName } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { MigrationError } from '../migrate/errors.ts';
import { readMigrations, tablesOf } from '../migrate/migrations.ts';
import { inTransaction } from '../migrate/transaction.ts';
import { type Backup, passingTables } from './file.ts';
import { findOwnTables, insertRows } from './rows.ts';

/**
 * Others see the database as it was before or as it is after. They can read meanwhile, but not write.
 * @param prepare runs when nothing can be written any more, with the database as it was. It may still change the backup.
 * @throws {DatabaseUnavailableError} @throws {MigrationError} when rows would refer to nothing. Nothing was changed then.
 */
export async function replaceRows(
  engine: Engine,
  backup: Backup,
  prepare: () => Promise<void>,
): Promise<void> {
  const tables = await findOwnTables(engine);
  const passing = passingTables(engine);
  const attempts = getTableName(engine.tables.attempts);
  await engine.withMigrationLock(({ query, run }) =>
    inTransaction(engine, run, async () => {
      for (const table of inLockOrder(engine, tables))
        if (table !== attempts) await run(`DELETE FROM \`${table}\``);
      await prepare();
      await backup.engine.readSnapshot(async (readTable) => {
        for (const table of tables) if (!passing.includes(table)) await insertRows(run, table, readTable);
      });
      const broken = await engine.brokenReferences(query, tablesOf(readMigrations(engine.dialect)));
      if (broken.length > 0)
        throw new MigrationError(`The backup has rows that refer to nothing: ${broken.join(' ')}`);
    }),
  );
}

/** In the order in which changes of accounts lock rows, so that they wait for each other instead of deadlocking. */
function inLockOrder({ tables: { audit, groups, guards, users } }: Engine, names: string[]): string[] {
  const first: string[] = [guards, users, groups].map((table) => getTableName(table));
  const last = getTableName(audit);
  return [...first, ...names.filter((name) => ![...first, last].includes(name)), last];
}
