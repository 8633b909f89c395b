/** manage session: where users are signed in, and ending it. */

import type { Command } from 'commander';
import type { Database } from '../db/database.ts';
import { targetOf } from '../db/queries/audit.ts';
import { Id } from '../schemas/common.ts';
import { listedSessionJson } from '../schemas/sessions.ts';
import { carryOut, entry, findUser } from './changes.ts';
import { check, print, withDatabase } from './context.ts';
import { everyRow, printEach, withJson } from './lists.ts';

export function addSessionCommands(program: Command): void {
  const session = program.command('session').description('sessions: where users are signed in');

  withJson(session.command('list <user>'))
    .description('list the living sessions of a user')
    .action((username: string, options: { json: boolean }) =>
      withDatabase(async (db) => {
        const { id } = await findUser(db, username);
        const now = Date.now();
        await printEach(
          everyRow((after, limit) => db.sessions.page(id, after, limit, now)),
          options,
          (row) => listedSessionJson(row, undefined),
          (shown) =>
            `${shown.id}  since ${shown.createdAt}  last seen ${shown.lastSeenAt}  ${shown.address}  ${shown.userAgent}`,
        );
      }),
    );

  session
    .command('end <user> [id]')
    .description('end a session of a user, or all of them if no id is given')
    .action(async (username: string, id: string | undefined) => {
      if (id !== undefined) check('id', Id, id);
      await withDatabase((db) => (id === undefined ? endAll(db, username) : end(db, username, id)));
    });
}

async function endAll(db: Database, username: string): Promise<void> {
  const user = await findUser(db, username);
  await carryOut(db, [
    db.sessions.endAllOf(user.id),
    entry(db, { event: 'sessions-ended', target: targetOf(user) }),
  ]);
  print(`ended all sessions of ${user.username}`);
}

async function end(db: Database, username: string, id: string): Promise<void> {
  const user = await findUser(db, username);
  const missed = await db.atomically([
    db.sessions.endOf(user.id, id),
    entry(db, { event: 'session-ended', target: { kind: 'session', id, name: user.username } }),
  ]);
  if (missed) throw new Error(`${user.username} has no session ${id}.`);
  print(`ended the session ${id} of ${user.username}`);
}
