/** Loads the files of a folder that each export a function by default, such as commands: what is deleted there is left out. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Leaves out tests, types, and what editors and systems leave behind. */
const FILE = /^[a-z][a-z0-9-]*\.ts$/;

/** @returns the functions, in the order of the files' names; none when there is no folder. @throws {TypeError} when a file exports none. */
export async function loadFolder<Made extends (...args: never[]) => unknown>(
  folder: string,
): Promise<Made[]> {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => FILE.test(file)) : [];
  return Promise.all(
    files.sort().map(async (file) => {
      const path = join(folder, file);
      const { default: made }: { default?: Made } = await import(pathToFileURL(path).href);
      if (typeof made === 'function') return made;
      throw new TypeError(`${path} must export a function by default.`);
    }),
  );
}
