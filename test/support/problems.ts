/** Callers who run into problems, and parts of the service that fail. */
import type { LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { hasTokens } from './optional.ts';
import { Client, makeToken, makeUser, quickHashing, signedIn, startService } from './service.ts';

type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'payload'>;
export type Provoke = () => Promise<Answer>;

export async function startProblems(t: Test, app: App) {
  const chief = await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const [admin, client, gone] = [
    await signedIn(app, 'chief'),
    await signedIn(app, 'ann'),
    await signedIn(app, 'ann'),
  ];
  const cookie = gone.cookie;
  await gone.request('POST', '/api/sign/out');
  gone.cookie = cookie;
  const token = hasTokens ? await makeToken(admin, { scopes: ['audit:read'] }) : undefined;
  /** Lets a part of the service throw, once. */
  const failing = <Part extends object>(part: Part, name: keyof Part, error: unknown, send: Provoke) => {
    return async () => {
      const value = async () => {
        throw error;
      };
      const intercepted = t.intercept(part, name, { value });
      const answer = await send();
      intercepted.restore();
      return answer;
    };
  };
  return { chief, ann, admin, client, gone, token, failing, anonymous: new Client(app) };
}

/** @returns an administrator of a service with that file of breached passwords. */
export async function signInWithBreached(t: Test, engine: TestEngine, BREACHED_PASSWORDS_FILE: string) {
  const settings = { BREACHED_PASSWORDS_FILE };
  const { app } = await startService(t, engine, { settings, hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  return signedIn(app, 'chief');
}
