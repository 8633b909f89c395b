/** What scripts see of the operator's commands: the exit code, and what is on which output. */
import type { Test } from 'tap';
import { manage, type Result } from './processes.ts';

/** The command did what was asked, and had nothing to reportError of. */
export function succeeds(t: Test, { code, stdout, stderr }: Result, says = /^/): void {
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.match(stdout, says);
}

/** The command refused, and said why to people and nothing to scripts. */
export function fails(t: Test, { code, stdout, stderr }: Result, says: RegExp): void {
  t.equal(code, 1, 'the exit code');
  t.equal(stdout, '', 'nothing on standard output');
  t.match(stderr, says);
  t.notMatch(stderr, /\n\s+at .*:\d+:\d+/, 'no stack of calls');
}

/** The command made a secret: that is all of standard output, and what it is, is on the other. @returns it. */
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
  t.notOk(stderr.includes(shown), 'shown once');
  return shown;
}

/** @returns the JSON objects on the lines. */
export function objects({ stdout }: Result): unknown[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
}

/** @returns what runs commands on that database. */
export function commandsOn(databaseUrl: string) {
  const environment = { DATABASE_URL: databaseUrl };
  return (args: string[], input = '') => manage(args, { environment, input });
}
