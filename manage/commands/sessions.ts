/** manage session: where users are signed in, and ending it. */
import type { Command } from 'commander';
import { NotFoundError } from '../../accounts/errors.ts';
import { endSession, endSessionsOf } from '../../accounts/sessions.ts';
import type { Database } from '../../db/database.ts';
import { listedSessionJson } from '../../schemas/sessions.ts';
import { readId } from '../checks.ts';
import { onDatabase } from '../context.ts';
import { everyRow, printEach, withJson } from '../lists.ts';
import { findUser, operator } from '../operator.ts';
import { findUnlessRemoved } from '../removed.ts';
import { print } from '../terminal.ts';

export default function addSessionCommands(program: Command): void {
  const session = program.command('session').description('sessions: where users are signed in');

  withJson(session.command('list <user>'))
    .description('list the living sessions of a user')
    .action(onDatabase(list));

  session
    .command('end <user>')
    .argument('[id]', '', readId)
    .description('end a session of a user, or all of them if no id is given')
    .action(onDatabase(end));
}

async function list(db: Database, username: string, options: { json: boolean }): Promise<void> {
  const { id } = await findUser(db, username);
  const now = Date.now();
  await printEach(
    everyRow((after, limit) => db.sessions.page(id, after, limit, now)),
    options,
    (row) => listedSessionJson(row, undefined),
    (shown) =>
      `${shown.id}  since ${shown.createdAt}  last seen ${shown.lastSeenAt}  ${shown.address}  ${shown.userAgent}`,
  );
}

async function end(db: Database, username: string, id: string | undefined): Promise<void> {
  const user = await findUnlessRemoved(db, username, findUser, 'user-deleted');
  if (!user) return print(`${username} was removed before, with all sessions`);
  if (id === undefined) {
    await endSessionsOf(db, operator, user.id);
    return print(`ended all sessions of ${user.username}`);
  }
  try {
    await endSession(db, operator, user, id);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    // Sessions that expire, or end together, leave no entry of their own: whether it ever was can't be known.
    return print(`${user.username} has no session ${id}, or not any more`);
  }
  print(`ended the session ${id} of ${user.username}`);
}
