/**
 * Pages by key range: each begins after the last id of the previous one, so page 10,000 costs what page 1 costs. The handler
 * reads one row more than it shows, which tells whether there is a next page.
 */
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyReply {
    /**
     * @param rows up to limit + 1 rows, in the order of their ids.
     * @returns the page's body; a Link header (RFC 8288) names the next page.
     */
    page<Row extends { id: string }, Item>(
      rows: Row[],
      limit: number,
      toItem: (row: Row) => Item,
    ): { items: Item[]; next: string | null };
    /** The same for a list with a cursor of its own. @param next the cursor of the next page. */
    pageBefore<Item>(items: Item[], next: string | null): { items: Item[]; next: string | null };
  }
}

function page<Row extends { id: string }, Item>(
  this: FastifyReply,
  rows: Row[],
  limit: number,
  toItem: (row: Row) => Item,
) {
  const shown = rows.length > limit ? rows.slice(0, limit) : rows;
  const last = shown.at(-1);
  return this.pageBefore(shown.map(toItem), rows.length > limit && last ? last.id : null);
}

function pageBefore<Item>(this: FastifyReply, items: Item[], next: string | null) {
  if (next) {
    const [path, query] = this.request.url.split('?');
    const parameters = new URLSearchParams(query);
    parameters.set('after', next);
    this.header('link', `<${path}?${parameters}>; rel="next"`);
  }
  return { items, next };
}

export default fp(
  async (app) => {
    app.decorateReply('page', page);
    app.decorateReply('pageBefore', pageBefore);
  },
  { name: 'pages' },
);
