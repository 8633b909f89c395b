/**
 * Somebody must always be able to administer. What might take every permission (*) from the last active user who holds
 * it is carried out here, for the API as well as for the operator's commands.
 */
import type { Database } from './database.ts';
import type { Write } from './engine.ts';

/** The change would have left nobody who may do everything. */
export class LastAdministratorError extends Error {
  constructor() {
    super('No other active user would hold every permission (*). Give it to somebody else first.');
    this.name = 'LastAdministratorError';
  }
}

/**
 * Carries out all the writes, or none when nobody would be left.
 * @returns whether they took effect (see Engine.atomically). @throws {LastAdministratorError}
 */
export async function keepAdministrator(
  { atomically, permissions }: Database,
  writes: Write[],
): Promise<boolean> {
  const keepHolder = permissions.keepHolderOfEverything();
  const missed = await atomically([...writes, keepHolder]);
  if (missed !== keepHolder) return missed === undefined;
  // Where nobody holds it, nobody can lose it.
  if (await permissions.everythingIsHeld()) throw new LastAdministratorError();
  return (await atomically(writes)) === undefined;
}
