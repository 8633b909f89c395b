/**
 * Loads the files of a folder that each export a function by default, such as commands: what is deleted there is left out. Not by
 * @fastify/autoload, which takes plugins alone, and passes over a second one of the same name without a word.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @returns whether it is a file of code, and no test, no types, and nothing that an editor or the system leaves behind. */
const isCode = (file: string) => file.endsWith('.ts') && !/^\.|\.(test|d)\.ts$/.test(file);

/** @returns the functions, in the order of the files' names; none when there is no folder. @throws {TypeError} when a file exports none. */
export async function loadFolder<Made extends (...args: never[]) => unknown>(
  folder: string,
): Promise<Made[]> {
  const files = existsSync(folder) ? readdirSync(folder).filter(isCode) : [];
  return Promise.all(
    files.sort().map(async (file) => {
      const path = join(folder, file);
      const { default: made }: { default?: Made } = await import(pathToFileURL(path).href);
      if (typeof made === 'function') return made;
      throw new TypeError(`${path} must export a function by default.`);
    }),
  );
}
