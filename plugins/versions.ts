/**
 * Keeps two editors from overwriting each other. A thing's ETag (RFC 9110, section 8.8.3) is its version; a change
 * that names it in If-Match (section 13.1.1) is refused with 412 when the thing has changed since. A change without
 * If-Match is made on top of whatever came between.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { editPersistently } from '../db/edit.ts';

interface Versioned {
  version: number;
}

declare module 'fastify' {
  interface FastifyReply {
    /** Sets the ETag of the thing that is answered. */
    version(thing: Versioned): FastifyReply;
  }
  interface FastifyRequest {
    /**
     * Reads a thing and changes it, again and again while others change it in between.
     * @param what the thing's kind, for the message when there is none.
     * @param read gives the thing as it is.
     * @param change changes it provided that it still has the version that was read; gives whether it did.
     * @throws a 404 or 412 problem.
     */
    edit<Thing extends Versioned>(
      what: string,
      read: () => Promise<Thing | undefined>,
      change: (thing: Thing) => Promise<boolean>,
    ): Promise<void>;
  }
}

const etag = ({ version }: Versioned) => `"${version}"`;

export default fp(
  async (app) => {
    app.decorateReply('version', function version(this: FastifyReply, thing: Versioned) {
      return this.header('etag', etag(thing));
    });

    app.decorateRequest('edit', async function edit(this: FastifyRequest, what, read, change) {
      const expected = this.headers['if-match']?.split(',').map((each) => each.trim());
      const readExpected = async () => {
        const thing = await read();
        if (!thing) throw app.notFound(what);
        if (expected && !expected.includes('*') && !expected.includes(etag(thing))) {
          throw app.problem({
            status: 412,
            detail: `The ${what} has changed since you read it. Read it again and decide anew.`,
          });
        }
        return thing;
      };
      if (await editPersistently(readExpected, change)) return;
      throw app.problem({ status: 409, detail: `Too many are changing this ${what} at once. Try again.` });
    });
  },
  { name: 'versions', dependencies: ['errors'] },
);
