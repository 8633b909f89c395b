/** Lets changes of rows under the migration lock happen all or not at all. */
import type { Engine, MigrationConnection } from '../engines/engine.ts';

/** Runs the work in one transaction of the connection that holds the lock. @throws whatever the work throws, after ROLLBACK. */
export async function inTransaction<Result>(
  { dialect }: Engine,
  run: MigrationConnection['run'],
  work: () => Promise<Result>,
): Promise<Result> {
  // SQLite's lock is a transaction itself, which commits when it is released.
  if (dialect === 'sqlite') return work();
  await run('START TRANSACTION');
  try {
    const result = await work();
    await run('COMMIT');
    return result;
  } catch (error) {
    await run('ROLLBACK').catch(() => {});
    throw error;
  }
}
