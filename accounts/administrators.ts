/** The rule that the last administrator stays: some user who can sign in, active and with a password, holds every permission (*). */
import type { Database } from '../db/database.ts';
import type { RightsLock } from './change.ts';
import { LastAdministratorError } from './errors.ts';

/** Belongs to every kind of change that can take every permission from a user, whatever was read before. */
export const keepAdministrator = (db: Database): RightsLock => ({
  order: '0',
  step: db.permissions.lockAdministrators(),
  error: () =>
    new Error('The table guards lacks its row "administrators". Restore it, or the whole database.'),
  after: { step: db.permissions.administratorRemains(), error: () => new LastAdministratorError() },
});
