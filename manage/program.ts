/** The operator's command line: all commands, and how a failure ends. */
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { loadFolder } from '../config/load-folder.ts';
import { errorText, reportError } from './errors.ts';
import { outputFailure, type Terminal, withTerminal, write, writeError } from './terminal.ts';

/** @returns all commands, to be parsed. What commander has to say goes to the terminal of the command. */
export async function makeProgram(): Promise<Command> {
  const program = new Command()
    .name('npm run manage --')
    .description('Looks after the database and its users. The settings are those of the service.')
    .showHelpAfterError('Add --help to see how it is called.')
    .configureOutput({
      writeOut: write,
      writeErr: writeError,
    })
    .exitOverride();
  const folder = join(import.meta.dirname, 'commands');
  for (const addCommands of await loadFolder<(program: Command) => void>(folder)) addCommands(program);
  return program;
}

/** Runs a command. @param args the words behind `manage`. @returns the exit code: 0, or 1 when it failed. */
export function manage(args: string[], io: Terminal): Promise<number> {
  return withTerminal(io, async () => {
    const code = await runCommand(args);
    const failure = outputFailure();
    if (!failure) return code;
    reportError(new Error(`Standard output could not be written: ${errorText(failure)}`));
    return 1;
  });
}

async function runCommand(args: string[]): Promise<number> {
  try {
    // Node puts this character in the place of bytes that are not UTF-8, and different names would become the same.
    if (args.some((each) => each.includes('\uFFFD')))
      throw new Error('An argument is not text in UTF-8. Correct it, or the locale of the terminal.');
    const program = await makeProgram();
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // It has said what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode;
    reportError(error);
    return 1;
  }
}
