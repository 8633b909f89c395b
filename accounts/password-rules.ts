/**
 * Which passwords users may have. Whatever sets a password hashes it by `hashNew`, which asks these rules, or asks them first by
 * `checkNew`. Signing in does not ask them, so passwords that were set before go on.
 */
import type { Settings } from '../config/load.ts';
import { foldCase } from '../db/text.ts';
import packageJson from '../package.json' with { type: 'json' };
import { PasswordCheckError, type Weakness, WeakPasswordError } from './errors.ts';
import { isBreached } from './passwords/breached.ts';
import { readCommonPasswords } from './passwords/common.ts';
import type { Hashing } from './passwords/hashing.ts';

/** Names of fewer characters are in many good passwords by chance. */
const SHORTEST_NAME = 4;

/** Whose password it is to be. */
export interface PasswordOwner {
  username: string;
  email: string | null;
  /** The address that they gave themselves, if it is another one. */
  pendingEmail?: string | null;
}

export interface PasswordHashing extends Hashing {
  /** @throws {WeakPasswordError} with all that is wrong with the password. @throws {PasswordCheckError} */
  checkNew(password: string, owner: PasswordOwner): Promise<void>;
  /** Checks a password that a user is to have. @returns its hash in PHC string format. @throws as `checkNew` does. */
  hashNew(password: string, owner: PasswordOwner): Promise<string>;
}

export type PasswordSettings = Pick<
  Settings,
  'PASSWORD_MIN_LENGTH' | 'PASSWORD_BLOCKLIST' | 'BREACHED_PASSWORDS_FILE'
>;

/** @returns the hashing, which refuses new passwords that the settings do not allow. */
export function withPasswordRules({ hash, verify }: Hashing, settings: PasswordSettings): PasswordHashing {
  const blocked = new Set(settings.PASSWORD_BLOCKLIST.map(fold));
  const checkNew: PasswordHashing['checkNew'] = async (password, owner) => {
    const weaknesses = [
      ...shortness(password, settings.PASSWORD_MIN_LENGTH),
      ...(await commonness(password, blocked)),
      ...containedNames(password, owner),
      ...(await breaches(password, settings.BREACHED_PASSWORDS_FILE)),
    ];
    if (weaknesses.length > 0) throw new WeakPasswordError(weaknesses);
  };
  return {
    hash,
    verify,
    checkNew,
    async hashNew(password, owner) {
      await checkNew(password, owner);
      return hash(password);
    },
  };
}

/** @returns the text as passwords are compared with lists and names: without case and compatibility forms. */
const fold = (text: string) => foldCase(text.normalize('NFKC'));

const lengthOf = (text: string) => [...text].length;

function shortness(password: string, minimum: number): Weakness[] {
  if (lengthOf(password) >= minimum) return [];
  return [{ code: 'too-short', detail: `must be at least ${minimum} characters long` }];
}

async function commonness(password: string, blocked: ReadonlySet<string>): Promise<Weakness[]> {
  const folded = fold(password);
  if (!blocked.has(folded) && !(await readCommonPasswords()).has(folded)) return [];
  return [{ code: 'common', detail: 'must not be a common password, or one that this service refuses' }];
}

function containedNames(password: string, owner: PasswordOwner): Weakness[] {
  const folded = fold(password);
  const names = {
    'the username': [owner.username],
    'the e-mail address up to the @': [owner.email, owner.pendingEmail].map(localPart),
    'the name of this service': [packageJson.name],
  };
  const isWithin = (name: string) => lengthOf(name) >= SHORTEST_NAME && folded.includes(name);
  return Object.entries(names)
    .filter(([, each]) => each.map(fold).some(isWithin))
    .map(([what]) => ({ code: 'contains-name', detail: `must not contain ${what}` }));
}

/** @returns the part of an e-mail address before the @; empty text without an address. */
const localPart = (email: string | null | undefined) => email?.slice(0, email.lastIndexOf('@')) ?? '';

async function breaches(password: string, file: string | undefined): Promise<Weakness[]> {
  if (file === undefined) return [];
  const found = await isBreached(file, password).catch((cause) => {
    throw new PasswordCheckError(cause);
  });
  return found ? [{ code: 'breached', detail: 'must not be one that is known from breaches' }] : [];
}
