/** Makes the requests that the budgets are about. Users are told by their numbers. */
import { randomInt } from 'node:crypto';
import type { Request } from 'autocannon';
import { PASSWORD, userId, usernameOf } from './people.ts';

type Headers = Request['headers'];

const JSON_BODY = { 'content-type': 'application/json' };

export const readUser = (number: number, headers: Headers): Request => {
  return { method: 'GET', path: `/api/users/${userId(number)}`, headers };
};

export const listUsers = (headers: Headers): Request => {
  return { method: 'GET', path: '/api/users?limit=20', headers };
};

/** Changes each user twice, to names that are new each time, because a name that is so already would write nothing. */
export function changeUsers(numbers: number[], headers: Headers): Request[] {
  const name = `Changed ${randomInt(2 ** 32)}`;
  return [name, `${name} again`].flatMap((name) =>
    numbers.map((number) => ({
      method: 'PATCH' as const,
      path: `/api/users/${userId(number)}`,
      headers: { ...headers, ...JSON_BODY },
      body: JSON.stringify({ name }),
    })),
  );
}

/** Signs in many users, because the throttle limits the concurrent attempts of one. */
export function signIn(numbers: number[]): Request[] {
  return numbers.map((number) => ({
    method: 'POST',
    path: '/api/sign/in',
    headers: JSON_BODY,
    body: JSON.stringify({ username: usernameOf(number), password: PASSWORD }),
  }));
}

/** @returns the numbers from the first on. */
export function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** @returns different random numbers below the limit, so many or as many as there are. */
export function sample(count: number, limit: number): number[] {
  const numbers = new Set<number>();
  while (numbers.size < Math.min(count, limit)) numbers.add(randomInt(limit));
  return [...numbers];
}
