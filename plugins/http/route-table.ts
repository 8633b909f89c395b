/**
 * Knows which routes there are: what may be asked of a path (for 405 and OPTIONS, which Fastify does not answer by
 * itself), and where each blueprint begins (for the index).
 */
import fp from 'fastify-plugin';
import findMyWay from 'find-my-way';

interface RouteTable {
  /** @returns the methods that the path of this URL answers to, none if there is nothing there. */
  methodsOf(url: string): string[];
  /** @returns the paths at which blueprints begin and that can be read, in order. */
  roots(): string[];
}

declare module 'fastify' {
  interface FastifyInstance {
    routeTable: RouteTable;
  }
}

export default fp(
  async (app) => {
    const methods = new Map<string, Set<string>>();
    const roots = new Set<string>();
    // The same kind of router as Fastify's, so that both understand a path alike; its stores hold the methods.
    const router = findMyWay({ ignoreTrailingSlash: true });

    app.addHook('onRoute', ({ url, method, prefix }) => {
      const known = methods.get(url) ?? new Set();
      if (!methods.has(url)) {
        methods.set(url, known);
        router.on('GET', url, () => {}, known);
      }
      for (const each of [method].flat()) known.add(each);
      if (known.has('GET') && url === prefix && !url.includes(':')) roots.add(url);
    });

    app.decorate('routeTable', {
      methodsOf: (url) => {
        const found: unknown = router.find('GET', url.split('?')[0] ?? '')?.store;
        return found instanceof Set ? [...found].sort() : [];
      },
      roots: () => [...roots].sort(),
    });
  },
  { name: 'route-table' },
);
