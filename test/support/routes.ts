/** Finds out which routes a service has, so that a test can say: every one of them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';

/** @returns whether this is what Fastify tells of an instance that it has just made. */
function isInitialization(message: unknown): message is { fastify: FastifyInstance } {
  return typeof message === 'object' && message !== null && 'fastify' in message;
}

/** Lets a function see, or change, each route of the apps that are made meanwhile. @returns what the work gives. */
export async function withEachRoute<Made>(
  onRoute: (route: RouteOptions) => void,
  work: () => Promise<Made>,
): Promise<Made> {
  const watch = (message: unknown) => {
    if (isInitialization(message)) message.fastify.addHook('onRoute', (route) => onRoute(route));
  };
  subscribe('fastify.initialization', watch);
  try {
    return await work();
  } finally {
    unsubscribe('fastify.initialization', watch);
  }
}

/** @returns the routes of the apps that are made meanwhile, and what the work gives. */
export async function routesDuring<Made>(
  work: () => Promise<Made>,
): Promise<{ routes: RouteOptions[]; made: Made }> {
  const routes: RouteOptions[] = [];
  const made = await withEachRoute((route) => routes.push(route), work);
  return { routes, made };
}

/** @returns the routes by method and path, each once; HEAD is left out, since Fastify makes it of GET. */
export function namesOf(routes: RouteOptions[]): string[] {
  const names = routes.flatMap(({ method, url }) =>
    [method]
      .flat()
      .filter((each) => each !== 'HEAD')
      .map((each) => `${each} ${url}`),
  );
  return [...new Set(names)].sort();
}
