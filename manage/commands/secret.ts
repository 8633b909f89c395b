/** manage secret: a new key for SECRET_KEY. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { codeOf } from '../../config/errors.ts';
import { createFolder } from '../../config/folder.ts';
import { makeSecret } from '../../config/secret.ts';
import { warnOfReaders } from '../secrets.ts';
import { print } from '../terminal.ts';

export default function addSecretCommand(program: Command): void {
  program
    .command('secret')
    .argument('[file]', 'a new file for the key, which only you may read; without it, the key is printed')
    .description('make a new key for SECRET_KEY')
    .action((file?: string) => (file === undefined ? printKey() : writeSecret(resolve(file))));
}

function printKey(): void {
  print(makeSecret());
  warnOfReaders('a key');
}

function writeSecret(file: string): void {
  if (existsSync(file)) throw new Error(`There is a file ${file} already. Name a new one.`);
  createFolder(dirname(file));
  try {
    writeFileSync(file, `${makeSecret()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // A full disk leaves an empty file, which would be in the way of the next try.
    if (codeOf(error) !== 'EEXIST') rmSync(file, { force: true });
    throw error;
  }
  print(`The key is in ${file}. Set SECRET_KEY_FILE to it.`);
}
