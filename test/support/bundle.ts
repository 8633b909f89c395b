/**
 * Runs many test files in one process. To load tap and the service and to compile their code takes longer than most of the files do,
 * and code that has run before is faster.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comment, test } from 'tap';
import { PROJECT } from './processes.ts';

/** @returns the patterns of the files that tap does not run by themselves. */
export function leftOut(): string[] {
  const [, list = ''] = readFileSync(join(PROJECT, '.taprc'), 'utf8').split('\nexclude:\n');
  return [...list.matchAll(/^ {2}- (\S+)$/gm)].map(([, pattern = '']) => pattern);
}

/** @returns the paths of the test files of these patterns, sorted. */
export function testFiles(...patterns: string[]): string[] {
  return globSync(patterns, { cwd: PROJECT })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

/** Runs the files of these patterns, one after the other. @throws when tap does not leave them out, so that they would run twice. */
export function runBundle(...patterns: string[]): void {
  const unknown = patterns.filter((pattern) => !leftOut().includes(pattern));
  if (unknown.length > 0) throw new Error(`.taprc does not leave out ${unknown.join(' ')}.`);
  // A test, so that those of the files wait until all are loaded: some stop the clock, or note every statement.
  test('All test files can be loaded', async () => {
    for (const file of testFiles(...patterns)) {
      comment(file);
      await import(join(PROJECT, file));
    }
  });
}
