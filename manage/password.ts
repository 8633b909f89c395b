/** How commands read a password: from a prompt or standard input, never as an argument, which other users of the machine could see. */
import { text } from 'node:stream/consumers';
import askPassword from '@inquirer/password';
import { NewPassword } from '../schemas/users.ts';
import { validationError } from '../schemas/validator.ts';

/**
 * @param fromStandardInput whether the password is all of standard input (but for the newline at its end).
 * @throws when it is not acceptable, the two entries differ, or there is no terminal to ask at.
 */
export async function readPassword(fromStandardInput: boolean): Promise<string> {
  const password = fromStandardInput ? (await text(process.stdin)).replace(/\r?\n$/, '') : await ask();
  const wrong = validationError(NewPassword, password);
  if (wrong) throw new Error(`The password ${wrong}.`);
  return password;
}

async function ask(): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Error(
      'There is no terminal to ask for the password at. Give it on standard input with --password-stdin.',
    );
  }
  const password = await askPassword({ message: 'Password' });
  if (password !== (await askPassword({ message: 'The same again' })))
    throw new Error('The two passwords differ.');
  return password;
}
