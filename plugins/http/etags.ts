/**
 * Entity tags keep two editors from overwriting each other. The ETag of a thing (RFC 9110, section 8.8.3) is its version. A change
 * that names one in If-Match (section 13.1.1) is refused with 412 when the thing has changed since.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { anyVersion, type VersionMatch } from '../../accounts/find.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** Sets the ETag of the thing that is answered. */
    version(thing: { version: number }): FastifyReply;
  }
  interface FastifyRequest {
    /** @returns which versions of the thing the request's If-Match allows to change: without one, any. */
    versionMatch(): VersionMatch;
  }
}

const etag = (version: number) => `"${version}"`;

export default fp(
  async (app) => {
    app.decorateReply('version', function setVersion(this: FastifyReply, { version }) {
      return this.header('etag', etag(version));
    });

    app.decorateRequest('versionMatch', function versionMatch(this: FastifyRequest) {
      const tags = this.headers['if-match']?.split(',').map((each) => each.trim());
      if (!tags || tags.includes('*')) return anyVersion;
      return (version: number) => tags.includes(etag(version));
    });
  },
  { name: 'etags' },
);
