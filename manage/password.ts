/** How commands read a password: from a prompt or standard input, never as an argument, which other users of the machine could see. */
import { buffer } from 'node:stream/consumers';
import askPassword from '@inquirer/password';
import { NewPassword } from '../schemas/users.ts';
import { validationError } from '../schemas/validator.ts';
import { terminal } from './terminal.ts';

/**
 * @param fromStandardInput whether the password is all of standard input (but for the newline at its end).
 * @throws when it is not acceptable, the two entries differ, or there is no terminal to ask at.
 */
export async function readPassword(fromStandardInput: boolean): Promise<string> {
  const password = fromStandardInput ? (await readStandardInput()).replace(/\r?\n$/, '') : await ask();
  const wrong = validationError(NewPassword, password);
  if (wrong) throw new Error(`The password ${wrong}.`);
  return password;
}

/** @throws when it is not UTF-8: each other byte would become the same character, and the password another one. */
async function readStandardInput(): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await buffer(terminal().stdin));
  } catch {
    throw new Error('The password on standard input is not text in UTF-8.');
  }
}

async function ask(): Promise<string> {
  if (!terminal().stdin.isTTY) {
    throw new Error(
      'There is no terminal to ask for the password at. Give it on standard input with --password-stdin.',
    );
  }
  const password = await askPassword({ message: 'Password' });
  if (password !== (await askPassword({ message: 'The same again' })))
    throw new Error('The two passwords differ.');
  // The prompt puts this character in the place of bytes that are not UTF-8.
  if (password.includes('\uFFFD'))
    throw new Error('The password is not text in UTF-8. Correct the locale of the terminal.');
  return password;
}
