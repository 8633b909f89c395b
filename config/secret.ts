/**
 * The key that session cookies are signed with, for those who gave none. Every process must sign with the same one,
 * or people would be signed out at random, so it is made once and kept in a file that only its owner can read.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Settings, SettingsError } from './load.ts';

/** @returns a new key: 256 random bits in base64url. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * @returns the settings with a key in them: the given ones, else the one in `secretPath`, which is made if absent.
 * @throws {SettingsError} when the file holds no usable key, or can't be read or made.
 */
export function withSecret(settings: Settings): Settings {
  if (settings.SECRET_KEY.length > 0) return settings;
  const path = settings.secretPath;
  try {
    const key = readOrMake(path);
    if (key.length >= 32) return { ...settings, SECRET_KEY: [key] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SettingsError([`The secret key's file ${path} can't be read or made: ${message}.`]);
  }
  throw new SettingsError([
    `The secret key's file ${path} holds no key of 32 characters. Remove it, and a new key is made (which signs everybody out).`,
  ]);
}

function readOrMake(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Written aside and linked into place: of several processes that start at once one wins, and none reads half a key.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, `${makeSecret()}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}
