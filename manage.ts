/** The operator's command line: looks after the database and its users without the service's API. */
import { program } from 'commander';
import { complain } from './config/complain.ts';
import { addDatabaseCommands } from './manage/database.ts';
import { addSecretCommand } from './manage/secret.ts';
import { addUserCommands } from './manage/users.ts';

program
  .name('npm run manage --')
  .description('Looks after the database and its users. The settings are those of the service.')
  .showHelpAfterError('Add --help to see how it is called.');

addDatabaseCommands(program);
addSecretCommand(program);
addUserCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  complain('manage', error);
  process.exitCode = 1;
}
