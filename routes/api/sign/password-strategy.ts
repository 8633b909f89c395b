/**
 * How passport recognises a user by username and password. Whether the user is unknown, disabled, without a password
 * or mistaken, the work and the answer are the same, so that nobody can find out who has an account.
 */
import { Strategy } from '@fastify/passport';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { Type } from '../../../config/type.ts';
import { Body, Line, Password } from '../../../schemas/common.ts';

export const Credentials = Body(
  {
    /** The user's name or e-mail address. */
    username: Line({ minLength: 1, maxLength: 254 }),
    password: Password({ minLength: 1 }),
    /** Whether the session is to outlive the browser. */
    remember: Type.Boolean({ default: false }),
  },
  { examples: [{ username: 'ann', password: 'correct horse' }] },
);

export type Credentials = Static<typeof Credentials>;

type Account = NonNullable<Awaited<ReturnType<FastifyInstance['db']['users']['findCredentials']>>>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose password was looked at, right or wrong. */
    candidate: Account | null;
  }
}

/** @returns a strategy for bodies that were validated as credentials. */
export function passwordStrategy(app: FastifyInstance): InstanceType<typeof Strategy> {
  class PasswordStrategy extends Strategy {
    override async authenticate(request: FastifyRequest<{ Body: Credentials }>): Promise<void> {
      // Every way out must be one of passport's outcomes: without one the request would hang for ever.
      try {
        const { username, password } = request.body;
        const user = await app.db.users.findCredentials(username);
        request.candidate = user ?? null;
        const right = await app.passwords.verify(user?.passwordHash, password);
        if (right && user?.active) this.success({ id: user.id, username: user.username });
        else this.fail();
      } catch (error) {
        this.error(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return new PasswordStrategy('password');
}
