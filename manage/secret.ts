/** manage secret: a new key for SECRET_KEY. */
import type { Command } from 'commander';
import { makeSecret } from '../config/secret.ts';
import { print } from './context.ts';

export function addSecretCommand(program: Command): void {
  program
    .command('secret')
    .description('print a new key for SECRET_KEY')
    .action(() => print(makeSecret()));
}
