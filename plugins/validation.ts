/** How requests are checked: bodies must have the types that they should have; parameters are converted from text. */
import fp from 'fastify-plugin';
import { makeValidator, readable } from '../schemas/validator.ts';

export default fp(
  async (app) => {
    const strict = makeValidator({ coerceTypes: false });
    const converting = makeValidator({ coerceTypes: true });

    // An empty body is no body, whatever its type is said to be: signing out needs none.
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body === '') done(null, undefined);
      else parse(request, body.toString(), done);
    });

    app.setValidatorCompiler(({ schema, httpPart }) => {
      const validate = (httpPart === 'body' ? strict : converting).compile(schema);
      return (data: unknown) => {
        if (validate(data)) return { value: data };
        return { error: (validate.errors ?? []).map(readable) };
      };
    });
  },
  { name: 'validation' },
);
