/** Gives blueprints the queue in which passwords are hashed, and turns requests away early when it is full. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { BusyError } from '../../accounts/errors.ts';
import { type PasswordSettings, withPasswordRules } from '../../accounts/password-rules.ts';
import { type Hashing, makeHashing } from '../../accounts/passwords/hashing.ts';
import { makePasswordQueue, type PasswordQueue } from '../../accounts/passwords/queue.ts';

declare module 'fastify' {
  interface FastifyInstance {
    passwords: PasswordQueue;
    /** A guard for routes that look at a password: 503 when the queue is full, before the body is read. */
    requireCapacity: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
  }
}

interface PasswordsOptions {
  /** Takes the place of the real hashing. */
  hashing?: Hashing | undefined;
  /** Which passwords users may have. */
  rules: PasswordSettings;
  /** How many processes share the processors. */
  workers: number;
}

async function ownHashing(app: FastifyInstance): Promise<Hashing> {
  const { end, ...hashing } = await makeHashing();
  app.addHook('onClose', end);
  return hashing;
}

export default fp<PasswordsOptions>(
  async (app, { hashing, rules, workers }) => {
    const ruled = withPasswordRules(hashing ?? (await ownHashing(app)), rules);
    const queue = makePasswordQueue(ruled, workers);
    app.decorate('passwords', queue);
    app.decorate('requireCapacity', (_request: FastifyRequest, _reply: FastifyReply, done) => {
      done(queue.isFull ? new BusyError() : undefined);
    });

    // One line a second: a line for each refusal would cost more than refusing.
    let refused = 0;
    app.addHook('onError', async (_request, _reply, error) => {
      if (!(error instanceof BusyError) || refused++ > 0) return;
      setTimeout(() => {
        app.log.warn({ refused }, 'the queue of passwords is full: some requests were turned away');
        refused = 0;
      }, 1000).unref();
    });
  },
  { name: 'passwords' },
);
