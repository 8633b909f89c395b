/** Collects the routes of a service, so that a test can check each of them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';

/** @returns whether this is Fastify's message about a new instance. */
function isInitialization(message: unknown): message is { fastify: FastifyInstance } {
  return typeof message === 'object' && message !== null && 'fastify' in message;
}

/** Calls `onRoute` with each route of the apps that `work` creates. @returns the result of the work. */
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

/** @returns the routes of the apps that `work` creates, and the result of the work. */
export async function routesDuring<Made>(
  work: () => Promise<Made>,
): Promise<{ routes: RouteOptions[]; made: Made }> {
  const routes: RouteOptions[] = [];
  const made = await withEachRoute((route) => routes.push(route), work);
  return { routes, made };
}

/** @returns the routes as `METHOD /path/:`, each once, without HEAD, which Fastify adds to each GET. */
export function namesOf(routes: RouteOptions[]): string[] {
  const names = routes.flatMap(({ method, url }) =>
    [method]
      .flat()
      .filter((each) => each !== 'HEAD')
      .map((each) => `${each} ${url.replaceAll(/:\w+/g, ':').replace(/(?<=.)\/$/, '')}`),
  );
  return [...new Set(names)].sort();
}
