/**
 * The table of routes: the methods of each path, for 405 and OPTIONS, which Fastify does not answer by itself, and the root of
 * each blueprint, for the index.
 */
import fp from 'fastify-plugin';
import findMyWay from 'find-my-way';

interface RouteTable {
  /** @returns the methods of the path of this URL, none for an unknown path. */
  methodsOf(url: string): string[];
  /** @returns the paths of blueprints that answer GET, in order. */
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
    // The same router as Fastify's, so that both read a path alike.
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
