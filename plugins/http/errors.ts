/** Every error leaves as problem details (RFC 9457), whatever threw it. Errors that the client can't help are logged, and answered without their cause. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Static } from 'typebox';
import { NotFoundError } from '../../accounts/errors.ts';
import { Problem } from '../../schemas/common.ts';
import { type FieldError, problemType } from '../../schemas/problems.ts';
import { challenge, withCredentials } from './challenges.ts';
import {
  invalidRequest,
  type ProblemAnswer,
  ProblemError,
  type ProblemOptions,
  statusOf,
  toProblem,
} from './problems.ts';
import { logRefused } from './refusal-log.ts';

// An import would load all that the module exports, and with it the code of `fetch`.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

type ProblemBody = Static<typeof Problem>;

declare module 'fastify' {
  interface FastifyInstance {
    /** @returns an error to throw, which is answered as problem details. Its kind stands in schemas/problems.ts. */
    problem: (options: ProblemOptions) => Error;
    /** @returns the error that fields of the query, or of another part of the request, are wrong. */
    invalid: (part: 'body' | 'query' | 'path' | 'headers', ...fields: FieldError[]) => Error;
    /** @returns the error that nothing of that kind has the id in the path. */
    notFound: (kind: string) => Error;
  }
}

function problemBody(answer: ProblemAnswer, requestId: string): ProblemBody {
  const status = statusOf(answer);
  return {
    type: answer.kind ? problemType(answer.kind) : 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: answer.detail,
    requestId,
    ...(answer.errors ? { errors: answer.errors } : {}),
  };
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

function send(request: FastifyRequest, reply: FastifyReply, answer: ProblemAnswer): FastifyReply {
  const status = statusOf(answer);
  return reply
    .code(status)
    .headers({
      'cache-control': 'no-store',
      // Where no hook has run, as for a path that can't be decoded.
      'x-request-id': request.id,
      ...(status === 401 ? { 'www-authenticate': challenge(request, answer) } : {}),
      ...answer.headers,
    })
    .type(PROBLEM_TYPE)
    .send(problemBody(answer, request.id));
}

/** Answers a request whose path Fastify can't decode: it reaches no route and no error handler. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { securityHeaders, corsHeaders } = request.server;
  send(request, reply.headers({ ...securityHeaders, ...corsHeaders?.(request) }), toProblem(error));
}

/** @returns the problem for connections without a request that Fastify could answer: its parts, and all of them as HTTP/1.1. @param more the headers of every answer. */
export function serializeProblem(
  answer: ProblemOptions,
  requestId: string,
  more: FastifyInstance['securityHeaders'],
) {
  const status = statusOf(answer);
  const body = JSON.stringify(problemBody(answer, requestId));
  const headers = {
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    connection: 'close',
    ...more,
    ...answer.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
  return { status, headers, body, text };
}

export default fp(
  async (app) => {
    app.addSchema(Problem);
    app.decorate('problem', (options) => new ProblemError(options));
    app.decorate('invalid', (part, ...fields) => invalidRequest(part, fields));
    app.decorate('notFound', (kind) => new NotFoundError(kind));

    app.setErrorHandler((error, request, reply) => {
      // The rest of its body was broken, and was answered meanwhile (connections.ts).
      if (reply.sent) return reply;
      const problem = withCredentials(request, error, toProblem(error));
      if (statusOf(problem) >= 500 && !problem.logged && !app.health.counts(error))
        request.log.error({ err: error }, 'the request failed');
      logRefused(request, problem);
      return send(request, reply, problem);
    });

    const answerNoRoute = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const methods = app.routeTable.methodsOf(request.url);
      // A route of that path may say so as well, such as that of the files of /docs.
      if (methods.length === 0 || methods.includes(request.method)) {
        return send(request, reply, {
          kind: 'no-such-path',
          detail: `There is nothing at ${request.url.split('?')[0]}.`,
        });
      }
      const allow = [...methods, 'OPTIONS'].join(', ');
      if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send();
      return send(request, reply, {
        kind: 'method-not-allowed',
        detail: `${request.method} is not possible here; these are: ${allow}.`,
        headers: { allow },
      });
    };
    app.setNotFoundHandler(answerNoRoute);
    // Before the body is read: where nothing takes it, it does not matter what is wrong with it.
    app.addHook('preParsing', (request, reply, payload, done) => {
      // With ORIGINS, @fastify/cors takes OPTIONS of any path.
      if (request.is404 || request.routeOptions.url === '*') answerNoRoute(request, reply);
      else done(null, payload);
    });
  },
  {
    name: 'errors',
    dependencies: ['route-table', 'security-headers', 'session-cookie'],
    decorators: { fastify: ['routeTable', 'securityHeaders', 'sessionCookie'] },
  },
);
