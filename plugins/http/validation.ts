/** Validates requests: bodies as they are, parameters after conversion from text. */
import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { fieldErrors } from '../../schemas/field-errors.ts';
import { makeValidator } from '../../schemas/validator.ts';

/** What the parts of a request are called in problems. */
const PARTS: Record<string, 'body' | 'query' | 'path' | 'headers'> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

export default fp(
  async (app) => {
    const strict = makeValidator({ coerceTypes: false });
    const converting = makeValidator({ coerceTypes: true });

    // An empty body is no body, whatever its Content-Type: signing out needs none.
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const bytes = Buffer.from(body);
      if (bytes.length === 0) return done(null, undefined);
      // Invalid UTF-8 would be replaced, and two passwords would become the same.
      if (!isUtf8(bytes))
        return done(app.problem({ kind: 'malformed', detail: 'The body is not valid UTF-8.' }));
      parse(request, bytes.toString(), done);
    });

    app.setValidatorCompiler(({ schema, httpPart }) => {
      const part = PARTS[httpPart ?? 'body'] ?? 'body';
      const isText = part !== 'body';
      const validate = (isText ? converting : strict).compile(schema);
      return (data: unknown) => {
        if (validate(data)) return { value: data };
        return { error: app.invalid(part, ...fieldErrors(validate.errors ?? [], isText)) };
      };
    });
  },
  { name: 'validation', dependencies: ['errors'] },
);
