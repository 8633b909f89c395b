/** manage token: makes, lists and ends API tokens of users. */
import type { Command } from 'commander';
import { createToken, endToken, tokensIn } from '../../accounts/tokens.ts';
import type { Database } from '../../db/database.ts';
import { instant } from '../../schemas/instant.ts';
import { TokenName, tokenJson, tokenLife } from '../../schemas/tokens.ts';
import { checkEach, permissionChecks, readId, readNumber } from '../checks.ts';
import { commandSettings, onDatabase, withDatabase } from '../context.ts';
import { auditRows, everyRow, printEach, withJson } from '../lists.ts';
import { findUser, nameOfRecipient, operator } from '../operator.ts';
import { findUnlessRemoved } from '../removed.ts';
import { showSecret } from '../secrets.ts';
import { print } from '../terminal.ts';
import { registerUserDetail } from '../user-details.ts';

interface NewTokenOptions {
  scope: string[];
  /** In seconds from now. */
  expiresIn?: string;
}

export default function addTokenCommands(program: Command): void {
  registerUserDetail('tokens', async (db, userId) => {
    const tokens = await Array.fromAsync(tokensOf(db, userId), tokenJson);
    return { json: tokens, lines: tokens.map((token) => `token         ${formatToken(token)}`) };
  });

  const token = program.command('token').description('API tokens of users');

  token
    .command('create <user> <name>')
    .description('make a token for a user, and print it, on standard output alone')
    .option('--scope <permission...>', 'what it may do, of what the user may do at present', [])
    .option(
      '--expires-in <seconds>',
      'when it ends; without this, after the longest life that TOKEN_LIFETIME allows',
    )
    .action(create);

  withJson(token.command('list <user>')).description('list the tokens of a user').action(onDatabase(list));

  token
    .command('end <user>')
    .argument('<id>', '', readId)
    .description('end a token of a user; token list tells its id')
    .action(onDatabase(end));
}

const tokensOf = (db: Database, userId: string) =>
  everyRow((after, limit) => tokensIn(db).page(userId, after, limit));

/** @returns the token as a line for people. */
function formatToken({ id, name, scopes, expiresAt, lastUsedAt }: ReturnType<typeof tokenJson>): string {
  const used = lastUsedAt ? `last used ${lastUsedAt}` : 'never used';
  return `${id}  ${name}  ${scopes.join(' ') || 'no scopes'}  ${expiresAt ? `until ${expiresAt}` : 'no end'}  ${used}`;
}

async function create(username: string, name: string, options: NewTokenOptions): Promise<void> {
  const scopes = [...new Set(options.scope)];
  const longest = commandSettings().TOKEN_LIFETIME;
  const expiresIn = options.expiresIn === undefined ? longest : readNumber(options.expiresIn);
  checkEach(['name', TokenName, name], ...permissionChecks(scopes), [
    'number of seconds',
    tokenLife(longest),
    expiresIn,
    options.expiresIn,
  ]);
  await withDatabase(async (db) => {
    const user = await findUser(db, username);
    const expiresAt = Date.now() + expiresIn * 1000;
    const { token, secret } = await createToken(db, operator, user, { name, scopes, expiresAt });
    const owner = nameOfRecipient(user, username);
    const about = `the token ${name} of ${owner} (${token.id}), until ${instant(expiresAt)}:`;
    await showSecret(secret, about, () => endToken(db, operator, user, token.id));
  });
}

async function list(db: Database, username: string, options: { json: boolean }): Promise<void> {
  const { id } = await findUser(db, username);
  await printEach(tokensOf(db, id), options, tokenJson, formatToken);
}

async function end(db: Database, username: string, id: string): Promise<void> {
  const user = await findUnlessRemoved(db, username, findUser, 'user-deleted');
  if (!user) return print(`${username} was removed before, with all tokens`);
  if (!(await tokensIn(db).findOf(user.id, id))) {
    if (await hadToken(db, user, id)) return print(`the token ${id} has ended before`);
    throw new Error(`${user.username} has no token ${id}.`);
  }
  const { name } = await endToken(db, operator, user, id);
  print(`ended the token ${name} of ${user.username}`);
}

/** @returns whether the audit trail knows a token of that id and user. One that it knows and that is not there has ended. */
async function hadToken(db: Database, user: { id: string; username: string }, id: string): Promise<boolean> {
  for await (const { actorId, before, after } of auditRows(db, { target: id })) {
    // The operator's entries name the owner.
    const owner = (after ?? before)?.user;
    if (actorId === user.id || owner === user.username) return true;
  }
  return false;
}
