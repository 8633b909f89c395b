/** Who wants something done, and from where: what rules decide by and the audit trail keeps. */

interface SessionCredential {
  kind: 'session';
  /** What the database knows it by. */
  key: string;
  id: string;
  /** When its password was last given, in milliseconds since 1970. */
  confirmedAt: number;
}

/** A credential that acts for a user by its scopes alone, such as an API token. */
export interface DelegatedCredential {
  kind: 'delegated';
  /** The authentication method (see credentials.ts). */
  method: string;
  id: string;
  scopes: readonly string[];
}

/** Where a request comes from. */
export interface Origin {
  address: string;
  userAgent: string;
  requestId: string;
}

export interface Actor extends Origin {
  kind: 'operator' | 'user' | 'anonymous';
  /** Null for the operator, who may do everything, and for anonymous callers, who hold nothing. */
  user: { id: string; username: string } | null;
  /** How they were recognised: session, token, a request loader's name, manage for the operator, nobody for anonymous callers, and service. */
  method: string;
  credential: SessionCredential | DelegatedCredential | null;
  /** What they may use, as it was read when they were recognised. Changes are decided by what holds when they are written. */
  permissions: readonly string[];
  log: { info(fields: object, message: string): void };
  /** Counts what the actor's network is refused, and tells whether to write it (see refusals.ts). Null: all is written. */
  refusals: { admits(address: string, place: 'audit' | 'log'): boolean } | null;
}

/** @returns a caller who has not signed in. */
export function anonymous(
  { address, userAgent, requestId }: Origin,
  { log, refusals }: Pick<Actor, 'log' | 'refusals'>,
): Actor {
  const nobody = {
    kind: 'anonymous' as const,
    user: null,
    method: 'nobody',
    credential: null,
    permissions: [],
  };
  return { ...nobody, address, userAgent, requestId, log, refusals };
}

/** @returns the service, which does some things by itself. */
export function serviceItself(log: Actor['log']): Actor {
  const origin = { address: '', userAgent: '', requestId: '' };
  return { ...anonymous(origin, { log, refusals: null }), method: 'service' };
}

/** @returns whether the actor is the operator, who works on the database itself. */
export function isOperator({ kind }: Actor): boolean {
  return kind === 'operator';
}

/** @returns whether the actor acts as that user themselves, and not by a delegated credential. */
export function isSelf({ user, credential }: Actor, userId: string): boolean {
  return user?.id === userId && credential?.kind !== 'delegated';
}

/** @returns the user who acts. @throws {Error} when there is none, because a guard was forgotten. */
export function userOf({ user }: Actor): { id: string; username: string } {
  if (!user) throw new Error('Only a signed-in user can do this: a guard was forgotten.');
  return user;
}
