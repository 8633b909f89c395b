/** The operator's command line: all commands, and how a failure ends. */
import { Command, CommanderError } from 'commander';
import { addAuditCommands } from './audit.ts';
import { addDatabaseCommands } from './database.ts';
import { reportError } from './errors.ts';
import { addGroupCommands } from './groups.ts';
import { addOpenapiCommand } from './openapi.ts';
import { addSecretCommand } from './secret.ts';
import { addSessionCommands } from './sessions.ts';
import { type Terminal, terminal, withTerminal } from './terminal.ts';
import { addTokenCommands } from './tokens.ts';
import { addUserCommands } from './users.ts';

/** @returns all commands, to be parsed. What commander has to say goes to the terminal of the command. */
export function makeProgram(): Command {
  const program = new Command()
    .name('npm run manage --')
    .description('Looks after the database and its users. The settings are those of the service.')
    .showHelpAfterError('Add --help to see how it is called.')
    .configureOutput({
      writeOut: (text) => terminal().stdout.write(text),
      writeErr: (text) => terminal().stderr.write(text),
    })
    .exitOverride();
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

/** Runs a command. @param args the words behind `manage`. @returns the exit code: 0, or 1 when it failed. */
export function manage(args: string[], io: Terminal): Promise<number> {
  return withTerminal(io, async () => {
    try {
      // Node puts this character in the place of bytes that are not UTF-8, and different names would become the same.
      if (args.some((each) => each.includes('\uFFFD')))
        throw new Error('An argument is not text in UTF-8. Correct it, or the locale of the terminal.');
      await makeProgram().parseAsync(args, { from: 'user' });
      return 0;
    } catch (error) {
      // It has said what is wrong, or the help that was asked for.
      if (error instanceof CommanderError) return error.exitCode;
      reportError('manage', error);
      return 1;
    }
  });
}
