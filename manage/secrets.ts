/** How commands show a secret: once, to whoever is to have it. What can't be shown is taken back, since it would open something unseen. */
import { fstatSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { outputFailure, print, printError, terminal } from './terminal.ts';

/**
 * Prints a secret alone on standard output, for scripts, and what it is on standard error.
 * @param takeBack undoes what was made. It runs when the secret can't be shown.
 * @throws when nobody can have read it, or it could not be taken back.
 */
export async function showSecret(
  secret: string,
  about: string,
  takeBack: () => Promise<unknown>,
): Promise<void> {
  const isLost = goesNowhere();
  if (!isLost) {
    printError(about);
    print(secret);
    if (!outputFailure()) return warnOfReaders('a secret');
  }
  await takeBack();
  printError('It was taken back.');
  if (isLost) throw new Error('Standard output is closed or /dev/null, where nobody can read the secret.');
}

/** @returns whether standard output is the null device, which Node opens in the place of a closed descriptor. */
function goesNowhere(): boolean {
  const { descriptor } = terminal().stdout;
  if (descriptor === undefined || process.platform === 'win32') return false;
  return fstatSync(descriptor).rdev === statSync(devNull).rdev;
}

/** Says so if standard output goes to a file that others can read, as shells make them. @param what is in it, for people. */
export function warnOfReaders(what: string): void {
  const { descriptor } = terminal().stdout;
  if (descriptor === undefined || process.platform === 'win32') return;
  const stats = fstatSync(descriptor);
  const mode = stats.mode & 0o777;
  if (!stats.isFile() || (mode & 0o077) === 0) return;
  printError(
    `Other users can read the file that standard output goes to (mode 0${mode.toString(8)}), and it holds ${what}. Run "chmod 600" on it, and "umask 077" before the next time.`,
  );
}
