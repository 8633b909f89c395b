/** Every error leaves as problem details (RFC 9457), whatever threw it. Errors that the client can't help are logged, and answered without their cause. */
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Static } from 'typebox';
import { NotFoundError } from '../../accounts/errors.ts';
import { Problem } from '../../schemas/common.ts';
import { ProblemError, type ProblemOptions, toProblem } from './problems.ts';

// An import would load all that the module exports, and with it the code of `fetch`.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

type ProblemBody = Static<typeof Problem>;

declare module 'fastify' {
  interface FastifyInstance {
    /** @returns an error to throw, which is answered as problem details. */
    problem: (options: ProblemOptions) => Error;
    /** @returns the error that nothing of that kind has the id in the path. */
    notFound: (kind: string) => Error;
  }
}

function problemBody(options: ProblemOptions, requestId: string): ProblemBody {
  return {
    type: options.kind ? `urn:rollcall:problem:${options.kind}` : 'about:blank',
    title: STATUS_CODES[options.status] ?? 'Error',
    status: options.status,
    detail: options.detail,
    requestId,
    ...(options.errors ? { errors: options.errors } : {}),
  };
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** @returns what each 401 must name (RFC 9110, section 15.5.2): the ways to authenticate. Browsers pass over schemes that they don't know. */
function challenge({ routeOptions, server }: FastifyRequest): string {
  const bearer = 'Bearer realm="rollcall"';
  // A route that serves anonymous callers, such as sign-in, looks up no cookie.
  if (routeOptions.config.anonymous) return bearer;
  return `${bearer}, Cookie realm="rollcall", cookie-name="${server.sessionCookie.name}"`;
}

function send(request: FastifyRequest, reply: FastifyReply, options: ProblemOptions): FastifyReply {
  return reply
    .code(options.status)
    .headers({
      'cache-control': 'no-store',
      ...(options.status === 401 ? { 'www-authenticate': challenge(request) } : {}),
      ...options.headers,
    })
    .type(PROBLEM_TYPE)
    .send(problemBody(options, request.id));
}

/** Answers a request whose path Fastify can't decode: it reaches no route and no error handler. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  send(request, reply, { status: error.statusCode ?? 400, detail: error.message });
}

const BROKEN_REQUESTS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

const BROKEN_DETAILS: Record<number, string> = {
  408: 'The request did not arrive in time.',
  431: 'The headers of the request are too large.',
};

/** Answers and closes a connection that sends no valid HTTP, or not in time. */
export function answerBrokenRequest(
  error: Error & { code: string },
  socket: Duplex,
  requestId: string,
): void {
  if (!socket.writable) {
    socket.destroy(error);
    return;
  }
  const status = BROKEN_REQUESTS[error.code] ?? 400;
  const detail = BROKEN_DETAILS[status] ?? `This is not HTTP as we can read it (${error.code}).`;
  const body = JSON.stringify(problemBody({ status, detail }, requestId));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

export default fp(
  async (app) => {
    app.addSchema(Problem);
    app.decorate('problem', (options) => new ProblemError(options));
    app.decorate('notFound', (kind) => new NotFoundError(kind));

    app.setErrorHandler((error, request, reply) => {
      const problem = toProblem(error);
      if (problem.status >= 500 && !problem.logged) request.log.error({ err: error }, 'the request failed');
      return send(request, reply, problem);
    });

    app.setNotFoundHandler((request, reply) => {
      const methods = app.routeTable.methodsOf(request.url);
      if (methods.length === 0) {
        return send(request, reply, {
          status: 404,
          detail: `There is nothing at ${request.url.split('?')[0]}.`,
        });
      }
      const allow = [...methods, 'OPTIONS'].join(', ');
      if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send();
      return send(request, reply, {
        status: 405,
        detail: `${request.method} is not possible here; these are: ${allow}.`,
        headers: { allow },
      });
    });
  },
  {
    name: 'errors',
    dependencies: ['route-table', 'session-cookie'],
    decorators: { fastify: ['routeTable', 'sessionCookie'] },
  },
);
