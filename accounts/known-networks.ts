/**
 * The networks from which a user has signed in of late, or has set a password by a one-time code. Failed attempts from elsewhere do not
 * keep the user out of these, so nobody can lock another out.
 */
import { hash } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import type { Actor } from './actor.ts';
import { networkOf } from './networks.ts';

/** For how long after the last of these a network is known, in milliseconds. */
const LIFETIME = 90 * 24 * 60 * 60 * 1000;

const keyOf = ({ address }: Actor, userId: string) =>
  hash('sha256', `${userId} ${networkOf(address, 64)}`, 'base64url');

/** @returns the step that keeps the actor's network, for when the user signs in or uses a code. It loses a race where two requests add the same. */
export function rememberNetwork(db: Database, actor: Actor, userId: string): Promise<Step> {
  return db.knownNetworks.keep({ key: keyOf(actor, userId), userId, expiresAt: Date.now() + LIFETIME });
}

/** @returns whether the actor's network is known for the user who is called so. It asks the same for unknown names. */
export async function isKnownNetwork(db: Database, actor: Actor, name: string): Promise<boolean> {
  const user = await db.users.findCredentials(name);
  return db.knownNetworks.isKnown(keyOf(actor, user?.id ?? ''), Date.now());
}
