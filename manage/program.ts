/** The operator's command line: all commands, and how a failure ends. */
import { Command } from 'commander';
import { addAuditCommands } from './audit.ts';
import { addDatabaseCommands } from './database.ts';
import { reportError } from './errors.ts';
import { addGroupCommands } from './groups.ts';
import { addOpenapiCommand } from './openapi.ts';
import { addSecretCommand } from './secret.ts';
import { addSessionCommands } from './sessions.ts';
import { addTokenCommands } from './tokens.ts';
import { addUserCommands } from './users.ts';

/** @returns all commands, to be parsed. */
export function makeProgram(): Command {
  const program = new Command()
    .name('npm run manage --')
    .description('Looks after the database and its users. The settings are those of the service.')
    .showHelpAfterError('Add --help to see how it is called.');
  addDatabaseCommands(program);
  addOpenapiCommand(program);
  addSecretCommand(program);
  addUserCommands(program);
  addGroupCommands(program);
  addTokenCommands(program);
  addSessionCommands(program);
  addAuditCommands(program);
  return program;
}

/** Runs the command of this process. A command that fails ends with exit code 1. */
export async function manage(): Promise<void> {
  // A reader such as head closes the pipe before the end of a list.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    // Node puts this character in the place of bytes that are not UTF-8, and different names would become the same.
    if (process.argv.some((each) => each.includes('\uFFFD')))
      throw new Error('An argument is not text in UTF-8. Correct it, or the locale of the terminal.');
    await makeProgram().parseAsync();
  } catch (error) {
    reportError('manage', error);
    process.exitCode = 1;
  }
}
