/**
 * Makes the key that signs session cookies when SECRET_KEY is not set. All processes must share one key, or users would
 * be signed out at random, so it is kept in a file that only its owner can read.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, reasonOf } from './errors.ts';
import { createFolder } from './folder.ts';
import type { Settings } from './load.ts';
import { SettingsError } from './sources.ts';

/** @returns a new key: 256 random bits in base64url. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * @returns the settings with SECRET_KEY, which is read from `secretPath` when it is not set. A missing file is created.
 * @throws {SettingsError} when the file can't be read or created, or holds no usable key.
 */
export function withSecret(settings: Settings): Settings {
  if (settings.SECRET_KEY.length > 0) return settings;
  const path = settings.secretPath;
  try {
    const key = readOrCreateKey(path);
    if (key.length >= 32) return { ...settings, SECRET_KEY: [key] };
  } catch (error) {
    throw new SettingsError([`The secret key's file ${path} can't be read or created: ${reasonOf(error)}.`]);
  }
  throw new SettingsError([
    `The secret key's file ${path} holds no key of 32 characters. Remove it to have a new key made, which signs all users out.`,
  ]);
}

function readOrCreateKey(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  createFolder(dirname(path));
  // The link is atomic: of several processes that start at once one wins, and none reads a partial key.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, `${makeSecret()}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(draft, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}
