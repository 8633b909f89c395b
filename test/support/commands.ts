/** Checks the exit code and the outputs of management commands, as scripts see them. */
import type { Test } from 'tap';
import { manage, type Result } from './processes.ts';

/** Asserts that the command succeeded and wrote nothing to standard error. */
export function succeeds(t: Test, { code, stdout, stderr }: Result, says = /^/): void {
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.match(stdout, says);
}

/** Asserts that the command failed with a message on standard error and nothing on standard output. */
export function fails(t: Test, { code, stdout, stderr }: Result, says: RegExp): void {
  t.equal(code, 1, 'the exit code');
  t.equal(stdout, '', 'standard output is empty');
  t.match(stderr, says);
  t.notMatch(stderr, /\n\s+at .*:\d+:\d+/, 'standard error has no stack trace');
}

/** Asserts that standard output is only the secret, and standard error describes it. @returns the secret. */
export function showsSecret(
  t: Test,
  { code, stdout, stderr }: Result,
  secret: RegExp,
  about: RegExp,
): string {
  t.equal(code, 0, stderr);
  t.match(stdout, secret);
  t.match(stderr, about);
  const shown = stdout.trimEnd();
  t.notOk(stderr.includes(shown), 'the secret is not on standard error');
  return shown;
}

/** @returns the JSON objects in the output, one per line. */
export function objects({ stdout }: Result): unknown[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
}

/** @returns a function that runs commands on that database, with other settings if they are given. */
export function commandsOn(databaseUrl: string, settings: Record<string, string> = {}) {
  const environment = { ...settings, DATABASE_URL: databaseUrl };
  return (args: string[], input = '') => manage(args, { environment, input });
}
