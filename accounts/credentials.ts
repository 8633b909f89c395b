/**
 * Credentials that users give to programs, such as API tokens. A kind of them is a part that can be left out: the core knows it by
 * what it registers here.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import type { DelegatedCredential } from './actor.ts';

interface CredentialKind {
  /** @returns the step which requires that the credential lives and its user is active. @param now in milliseconds since 1970. */
  isAlive(db: Database, id: string, now: number): Step;
  /** @returns the scopes of a credential that has not been ended, else undefined. */
  scopesOf(db: Database, id: string): Promise<readonly string[] | undefined>;
}

const kinds = new Map<string, CredentialKind>();

/** @param method is how callers with such a credential are recognised. */
export function registerCredentials(method: string, kind: CredentialKind): void {
  kinds.set(method, kind);
}

/** @returns the step which requires that the credential lives and its user is active. */
export function isAlive(db: Database, { method, id }: DelegatedCredential, now: number): Step {
  const kind = kinds.get(method);
  if (!kind) throw new Error(`No part has registered the credentials that the method ${method} recognises.`);
  return kind.isAlive(db, id, now);
}

/** @returns the credential of that id, or undefined when it has ended or its part was left out. */
export async function findCredential(db: Database, id: string): Promise<DelegatedCredential | undefined> {
  for (const [method, kind] of kinds) {
    const scopes = await kind.scopesOf(db, id);
    if (scopes) return { kind: 'delegated', method, id, scopes };
  }
  return undefined;
}
