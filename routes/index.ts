/** The index: says what this is and where to go on. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import packageJson from '../package.json' with { type: 'json' };
import { responses } from '../schemas/common.ts';

const Index = Type.Object({
  name: Type.String(),
  version: Type.String(),
  /** Where each blueprint begins, by its name. */
  links: Type.Record(Type.String(), Type.String()),
});

const index: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/',
    { config: { anonymous: true }, schema: { response: responses({ 200: Index }) } },
    async () => ({
      name: packageJson.name,
      version: packageJson.version,
      links: Object.fromEntries(
        app.directory.entrances().map((path) => [path.replace(/^\/(api\/)?/, ''), path]),
      ),
    }),
  );
};

export default index;
