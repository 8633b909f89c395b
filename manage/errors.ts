/** The one table that turns errors into lines for the operator. Every command that fails ends with exit code 1. */
import {
  ConflictError,
  NotFoundError,
  PasswordCheckError,
  TakenError,
  WeakPasswordError,
} from '../accounts/errors.ts';
import { reasonOf } from '../config/errors.ts';
import { printError } from './terminal.ts';

/** What is said of a name that must be unique. */
const TAKEN = {
  username: 'There is a user of this name already.',
  email: 'There is a user of this e-mail address already.',
  name: 'There is a group of this name already.',
};

/** @returns what to say of an error. A fault of ours, not of a setting or the database, keeps its stack. */
export function errorText(error: unknown): string {
  if (error instanceof TakenError) return error.fields.map((field) => TAKEN[field]).join('\n');
  if (error instanceof NotFoundError) return `There is no such ${error.kind}, or not any more.`;
  if (error instanceof WeakPasswordError)
    return error.weaknesses.map(({ detail }) => `The password ${detail}.`).join('\n');
  if (error instanceof PasswordCheckError) return `${error.message} ${errorText(error.cause)}`;
  if (error instanceof ConflictError)
    return 'Nothing was changed: too many are changing the same thing at once. Try again.';
  const ours = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return (ours && error.stack) || reasonOf(error);
}

/** Writes the error to standard error. */
export function reportError(error: unknown): void {
  for (const line of errorText(error).split('\n')) printError(`manage: ${line}`);
}
