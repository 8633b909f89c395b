/** The commonest passwords. They are read when a process sets its first password, since many processes set none. */
import { readFile } from 'node:fs/promises';

const LIST = new URL('common-passwords.txt', import.meta.url);

let common: Promise<ReadonlySet<string>> | undefined;

/** @returns the commonest passwords of eight characters and more, in lower case. The file says where they come from. */
export function readCommonPasswords(): Promise<ReadonlySet<string>> {
  common ??= readFile(LIST, 'utf8').then((text) => {
    const lines = text.split(/\r?\n/);
    return new Set(lines.slice(lines.indexOf('')).filter((line) => line !== ''));
  });
  return common;
}
