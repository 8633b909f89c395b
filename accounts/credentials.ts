/**
 * Delegated credentials, such as API tokens. Each kind of them is a part that can be left out: the core knows it by what it registers
 * here.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import type { DelegatedCredential } from './actor.ts';

interface CredentialKind {
  /** What people call them. */
  name: string;
  /** @returns the step which requires that the credential lives and its user is active. @param now in milliseconds since 1970. */
  isAlive(db: Database, id: string, now: number): Step;
  /** @returns the scopes of a credential that has not been ended, else undefined. */
  scopesOf(db: Database, id: string): Promise<readonly string[] | undefined>;
  /** Ends those in a backup that is restored which have ended in the database that it replaces; all, if there is none to compare with. */
  endRestored(restored: Database, replaced: Database | undefined): Promise<void>;
}

const kinds = new Map<string, CredentialKind>();

/** Registers a kind of credentials, once. @param method is the name of the request loader that authenticates by them. */
export function registerCredentials(method: string, kind: CredentialKind): void {
  if (kinds.has(method)) throw new Error(`There are credentials of the method ${method} already.`);
  kinds.set(method, kind);
}

/** @throws {Error} when no part has registered credentials of that method. */
export function kindOf(method: string): CredentialKind {
  const kind = kinds.get(method);
  if (kind) return kind;
  throw new Error(
    `The request loader ${method} gives a credential, but nothing has registered such: registerCredentials.`,
  );
}

/** @returns the step which requires that the credential lives and its user is active. */
export function isAlive(db: Database, { method, id }: DelegatedCredential, now: number): Step {
  return kindOf(method).isAlive(db, id, now);
}

/** @returns the credential of that id, or undefined when it has ended or its part was left out. */
export async function findCredential(db: Database, id: string): Promise<DelegatedCredential | undefined> {
  for (const [method, kind] of kinds) {
    const scopes = await kind.scopesOf(db, id);
    if (scopes) return { kind: 'delegated', method, id, scopes };
  }
  return undefined;
}

/** @returns what people call the kinds of credentials that there are. */
export const credentialNames = () => [...kinds.values()].map(({ name }) => name);

/** See `endRestored`. */
export async function endRestoredCredentials(
  restored: Database,
  replaced: Database | undefined,
): Promise<void> {
  for (const kind of kinds.values()) await kind.endRestored(restored, replaced);
}
