/**
 * Hashes passwords with Argon2id (RFC 9106) and checks them. A check costs the same whether or not there is a hash to
 * check against, so that the time of an answer does not tell who has an account.
 */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import fp from 'fastify-plugin';

export interface Passwords {
  /** @returns the hash in PHC string format. */
  hash(password: string): Promise<string>;
  /** @returns whether the password is the one that was hashed; without a hash false, after the same work. */
  verify(hashed: string | null | undefined, password: string): Promise<boolean>;
}

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords;
  }
}

/** What OWASP's password storage cheat sheet gives for Argon2id, the library's default; memory in KiB. */
const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** @returns the real thing; tests may count or replace it. */
export async function argon2Passwords(): Promise<Passwords> {
  const decoy = await hash(randomBytes(32), PARAMETERS);
  return {
    hash: (password) => hash(password, PARAMETERS),
    async verify(hashed, password) {
      const right = await verify(hashed ?? decoy, password);
      return right && hashed !== null && hashed !== undefined;
    },
  };
}

export default fp<{ passwords?: Passwords | undefined }>(
  async (app, { passwords }) => {
    app.decorate('passwords', passwords ?? (await argon2Passwords()));
  },
  { name: 'passwords' },
);
