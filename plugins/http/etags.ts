/**
 * Entity tags keep two editors from overwriting each other. The ETag of a thing (RFC 9110, section 8.8.3) is its version. A change
 * that names one in If-Match (section 13.1.1) is refused with 412 when the thing has changed since.
 *
 * That section lets no weak tag match. Here `W/"3"` is as good as `"3"`: a proxy that compresses answers makes their tags weak, and
 * behind it no change would ever match. The tag is the version, so the same tag is the same state, however it was encoded.
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
    /**
     * @returns which versions of the thing the request's If-Match allows to change: without one, any.
     * @throws when it holds what is no entity tag.
     */
    versionMatch(): VersionMatch;
  }
}

const etag = (version: number) => `"${version}"`;

/** The parts between commas; a comma in a tag, or in one that is never closed, belongs to it. */
const PARTS = /(?:[^",]|"[^"]*(?:"|$))+/g;
const ENTITY_TAG = /^(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")$/;

/** @returns the entity tags of a list without what says that they are weak; undefined when it has none, or a part is none. */
function entityTags(list: string): Set<string> | undefined {
  const parts = (list.match(PARTS) ?? []).map((part) => part.trim()).filter((part) => part !== '');
  const tags = parts.flatMap((part) => ENTITY_TAG.exec(part)?.[1] ?? []);
  return tags.length > 0 && tags.length === parts.length ? new Set(tags) : undefined;
}

export default fp(
  async (app) => {
    app.decorateReply('version', function setVersion(this: FastifyReply, { version }) {
      return this.header('etag', etag(version));
    });

    app.decorateRequest('versionMatch', function versionMatch(this: FastifyRequest) {
      const list = this.headers['if-match'];
      if (list === undefined || list.trim() === '*') return anyVersion;
      const tags = entityTags(list);
      if (tags) return (version: number) => tags.has(etag(version));
      const detail = 'must be entity tags as ETag has them, such as "1", or *';
      throw app.invalid('headers', { pointer: '/if-match', code: 'format', detail });
    });
  },
  { name: 'etags', dependencies: ['errors'] },
);
