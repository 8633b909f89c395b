/** manage token: makes, lists and ends API tokens of users. */
import type { Command } from 'commander';
import { createToken, endToken, tokensIn } from '../accounts/tokens.ts';
import type { Database } from '../db/database.ts';
import { instant } from '../schemas/instant.ts';
import { NewToken, TokenName, tokenJson } from '../schemas/tokens.ts';
import { type Check, checkEach, readId, readNumber } from './checks.ts';
import { withDatabase } from './context.ts';
import { permissionChecks } from './groups.ts';
import { everyRow, printEach, withJson } from './lists.ts';
import { findUser, nameOfRecipient, operator } from './operator.ts';
import { findUnlessRemoved, hadToken } from './removed.ts';
import { print, printSecret } from './terminal.ts';

interface TokenOptions {
  scopes: string[];
  /** In seconds from now; without it the token does not expire. */
  expiresIn: number | undefined;
}

export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('API tokens of users');

  token
    .command('create <user> <name>')
    .description('make a token for a user, and print it, on standard output alone')
    .option('--scope <permission...>', 'what it may do, of what the user may do at present', [])
    .option('--expires-in <seconds>', 'when it ends; without this it does not')
    .action(async (username: string, name: string, options: { scope: string[]; expiresIn?: string }) => {
      const scopes = [...new Set(options.scope)];
      const expiresIn = options.expiresIn === undefined ? undefined : readNumber(options.expiresIn);
      checkEach(
        ['name', TokenName, name],
        ...permissionChecks(scopes),
        ...secondsCheck(expiresIn, options.expiresIn),
      );
      await withDatabase((db) => create(db, username, name, { scopes, expiresIn }));
    });

  withJson(token.command('list <user>'))
    .description('list the tokens of a user')
    .action((username: string, options: { json: boolean }) =>
      withDatabase(async (db) => {
        const { id } = await findUser(db, username);
        const rows = everyRow((after, limit) => tokensIn(db).page(id, after, limit));
        await printEach(rows, options, tokenJson, formatToken);
      }),
    );

  token
    .command('end <user> <id>')
    .description('end a token of a user; token list tells its id')
    .action(async (username: string, typed: string) => {
      const id = readId(typed);
      await withDatabase((db) => end(db, username, id));
    });
}

function secondsCheck(seconds: number | undefined, typed: string | undefined): Check[] {
  return seconds === undefined ? [] : [['number of seconds', NewToken.properties.expiresIn, seconds, typed]];
}

/** @returns the token as a line for people. */
export function formatToken({
  id,
  name,
  scopes,
  expiresAt,
  lastUsedAt,
}: ReturnType<typeof tokenJson>): string {
  const used = lastUsedAt ? `last used ${lastUsedAt}` : 'never used';
  return `${id}  ${name}  ${scopes.join(' ') || 'no scopes'}  ${expiresAt ? `until ${expiresAt}` : 'no end'}  ${used}`;
}

async function create(
  db: Database,
  username: string,
  name: string,
  { scopes, expiresIn }: TokenOptions,
): Promise<void> {
  const user = await findUser(db, username);
  const expiresAt = expiresIn === undefined ? null : Date.now() + expiresIn * 1000;
  const { token, secret } = await createToken(db, operator, user, { name, scopes, expiresAt });
  const until = expiresAt === null ? '' : `, until ${instant(expiresAt)}`;
  const owner = nameOfRecipient(user, username);
  printSecret(secret, `the token ${name} of ${owner} (${token.id})${until}:`);
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
