/** All commands together, and how one that fails says so. */
import { program } from 'commander';
import { complain } from '../config/complain.ts';
import { addDatabaseCommands } from './database.ts';
import { addOpenapiCommand } from './openapi.ts';
import { addSecretCommand } from './secret.ts';
import { addUserCommands } from './users.ts';

/** Runs the command that the process was called with; one that fails ends with exit code 1. */
export async function manage(): Promise<void> {
  program
    .name('npm run manage --')
    .description('Looks after the database and its users. The settings are those of the service.')
    .showHelpAfterError('Add --help to see how it is called.');
  addDatabaseCommands(program);
  addOpenapiCommand(program);
  addSecretCommand(program);
  addUserCommands(program);
  try {
    await program.parseAsync();
  } catch (error) {
    complain('manage', error);
    process.exitCode = 1;
  }
}
