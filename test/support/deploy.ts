/** What tests of the files in deploy/ share: the files, the programs that read them, and the places that stand for those on a host. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Test, test } from 'tap';
import { PROJECT } from './processes.ts';

/** @returns the text of a file in deploy/. */
export const deployFile = (name: string) => readFileSync(join(PROJECT, 'deploy', name), 'utf8');

/** @returns the path of a program that is installed, or undefined. */
function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Runs the test with the path of the program. Skips it where that is not installed; with REQUIRE_DEPLOY=1 that is a failure. */
export function testWith(
  program: string,
  name: string,
  check: (t: Test, path: string) => Promise<void>,
): void {
  test(name, async (t) => {
    const path = findProgram(program);
    if (path) return check(t, path);
    t.comment(`Skipped, because ${program} is not installed: ${name}`);
    t.not(process.env.REQUIRE_DEPLOY, '1', 'REQUIRE_DEPLOY=1 is set, so this test must not be skipped');
  });
}

/** The files and folders that the last image of deploy/Containerfile gets from the project, and the commands of its lines. */
export function containerFiles(): { packages: string[]; code: string[] } {
  const copied = [...deployFile('Containerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].map(
    ([, sources = '']) => sources.split(' '),
  );
  const [packages = [], ...code] = copied;
  return { packages, code: code.flat() };
}

/** @returns the text with each of these strings replaced. @throws {Error} when one is not there. */
export function substitute(text: string, replacements: Record<string, string>): string {
  let replaced = text;
  for (const [from, to] of Object.entries(replacements)) {
    if (!replaced.includes(from)) throw new Error(`There is no ${JSON.stringify(from)} in:\n${replaced}`);
    replaced = replaced.replaceAll(from, to);
  }
  return replaced;
}
