/**
 * The table of routes: the methods of each path, for 405 and OPTIONS, which Fastify does not answer by itself; the root of each
 * blueprint, for the index; and what blueprints are about, for the description of the API.
 */
import fp from 'fastify-plugin';
import findMyWay from 'find-my-way';

/** The methods of the API, besides OPTIONS, which every path answers. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

interface RouteTable {
  /** @returns the methods of the path of this URL, none for an unknown path. */
  methodsOf(url: string): string[];
  /** @returns the paths of blueprints that answer GET, in order. */
  roots(): string[];
  /** What blueprints are about, by their tag in the description of the API. */
  descriptions: ReadonlyMap<string, string>;
}

/** @returns the tag of a path in the description of the API: its blueprint. */
export const tagOf = (path: string) => /^\/api\/([\w-]+)/.exec(path)?.[1] ?? 'service';

declare module 'fastify' {
  interface FastifyInstance {
    routeTable: RouteTable;
    /** Says in a few words what the blueprint is about. The first to do so for a tag is heard. */
    describeRoutes(this: FastifyInstance, description: string): void;
  }
}

export default fp(
  async (app) => {
    const methods = new Map<string, Set<string>>();
    const roots = new Set<string>();
    const descriptions = new Map<string, string>();
    // The same router as Fastify's, so that both read a path alike. But an id that is too long makes no other path: Fastify answers it by
    // 414 where it has the method.
    const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: Number.MAX_SAFE_INTEGER });

    app.addHook('onRoute', ({ url, method, prefix }) => {
      // @fastify/cors takes OPTIONS of any path, which makes no path known.
      if (url === '*') return;
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
      descriptions,
    });
    app.decorate('describeRoutes', function (description) {
      const tag = tagOf(this.prefix);
      if (!descriptions.has(tag)) descriptions.set(tag, description);
    });
  },
  { name: 'route-table' },
);
