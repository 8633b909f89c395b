/**
 * Every error leaves as problem details (RFC 9457), whoever threw it: a blueprint, the validation, the database, or
 * Fastify itself. What the client can't help is logged and told without its cause.
 */
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Static } from 'typebox';
import { LastAdministratorError } from '../db/administrators.ts';
import { DatabaseUnavailableError, DuplicateError, MissingReferenceError } from '../db/engine.ts';
import { Problem } from '../schemas/common.ts';

// An import would ask the module for all that it exports, and so load what `fetch` is made of: 3.5 MB and 16 ms.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

type ProblemBody = Static<typeof Problem>;
type ProblemPart = NonNullable<ProblemBody['errors']>[number];

interface ProblemOptions {
  status: number;
  /** What happened and what to do about it. */
  detail: string;
  /** The kind of problem, where a client may want to tell it from others of the same status. */
  kind?: string;
  errors?: ProblemPart[];
  headers?: Record<string, string>;
  /** Whoever throws it tells the log in their own way: no entry for each request. */
  told?: boolean;
}

/** An answer that is an error, ready to be thrown. */
class ProblemError extends Error {
  readonly options: ProblemOptions;
  /** For Fastify, which logs by it. */
  readonly statusCode: number;
  constructor(options: ProblemOptions) {
    super(options.detail);
    this.name = 'ProblemError';
    this.options = options;
    this.statusCode = options.status;
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes an error to throw; it leaves as problem details. */
    problem: (options: ProblemOptions) => Error;
    /**
     * Reads what a change has made of a thing, for the answer.
     * @throws a 404 problem when somebody has removed it since, and a 503 one, which says that the change was made.
     */
    readBack: <Row>(kind: string, read: () => Promise<Row | undefined>) => Promise<Row>;
    /** Makes the error that there is nothing of that kind with the id in the path. */
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

function send(request: FastifyRequest, reply: FastifyReply, options: ProblemOptions): FastifyReply {
  // RFC 9110, section 15.5.2, asks for a challenge.
  const challenge = options.status === 401 ? { 'www-authenticate': 'Bearer realm="rollcall"' } : {};
  return reply
    .code(options.status)
    .headers({ 'cache-control': 'no-store', ...challenge, ...options.headers })
    .type(PROBLEM_TYPE)
    .send(problemBody(options, request.id));
}

/** Answers a request whose path Fastify can't read, which reaches no route and no error handler. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  send(request, reply, { status: error.statusCode ?? 400, detail: error.message });
}

const BROKEN_REQUESTS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

const BROKEN_DETAILS: Record<number, string> = {
  408: 'The request did not arrive in time.',
  431: 'The headers of the request are too large.',
};

/** Answers, and ends, a connection that does not speak HTTP as we can read it, or not in time. */
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

/** The field of the API that each unique index is about. */
const UNIQUE_FIELDS: Record<string, string> = {
  users_username_key: 'username',
  users_email_key: 'email',
  groups_name: 'name',
};

/** Where Fastify's own words don't say what to do. */
const EXPLANATIONS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON: send it with Content-Type: application/json.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const RETRY_AFTER_SECONDS = '1';

/** @returns what to tell the client of an error. */
function toProblem(error: unknown): ProblemOptions {
  if (error instanceof ProblemError) return error.options;
  if (error instanceof DatabaseUnavailableError) {
    return {
      status: 503,
      detail: error.unchanged
        ? 'The database can not serve at present. Nothing was changed; try again in a moment.'
        : 'The database went away while it was writing. Look whether the change was made before you try again.',
      headers: { 'retry-after': RETRY_AFTER_SECONDS },
    };
  }
  if (error instanceof LastAdministratorError)
    return { status: 409, kind: 'last-administrator', detail: error.message };
  if (error instanceof MissingReferenceError) {
    return {
      status: 409,
      detail: 'Something that this is about was removed meanwhile. Nothing was changed.',
    };
  }
  if (error instanceof DuplicateError) {
    const field = UNIQUE_FIELDS[error.index];
    return {
      status: 409,
      kind: 'duplicate',
      detail: `Another one has this ${field ?? 'already'}.`,
      ...(field ? { errors: [{ in: 'body', pointer: `/${field}`, detail: 'is taken' }] } : {}),
    };
  }
  if (isFastifyError(error) && error.statusCode !== undefined && error.statusCode < 500) {
    if (error.validation) return toValidationProblem(error);
    return { status: error.statusCode, detail: EXPLANATIONS[error.code] ?? error.message };
  }
  return { status: 500, detail: 'Something went wrong on our side. The log has more under this request id.' };
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error;
}

const PARTS: Record<string, ProblemPart['in']> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

function toValidationProblem(error: FastifyError): ProblemOptions {
  const part = PARTS[error.validationContext ?? 'body'] ?? 'body';
  const errors = (error.validation ?? []).map((each) => {
    const extra = each.params.additionalProperty ?? each.params.missingProperty;
    const name = typeof extra === 'string' ? `/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}` : '';
    return { in: part, pointer: each.instancePath + name, detail: each.message ?? 'is not valid' };
  });
  const [first] = errors;
  return {
    status: 400,
    kind: 'invalid',
    detail: `The ${part} is not valid: ${first?.pointer || 'it'} ${first?.detail}.`,
    errors,
  };
}

export default fp(
  async (app) => {
    app.addSchema(Problem);
    app.decorate('problem', (options) => new ProblemError(options));
    app.decorate(
      'notFound',
      (kind) => new ProblemError({ status: 404, detail: `There is no ${kind} with this id.` }),
    );

    app.decorate('readBack', async (kind, read) => {
      try {
        const row = await read();
        if (row) return row;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError)) throw error;
        throw new ProblemError({
          status: 503,
          detail: `The change was made, but then the database went away: the ${kind} could not be read back.`,
          headers: { 'retry-after': RETRY_AFTER_SECONDS },
        });
      }
      throw app.notFound(kind);
    });

    app.setErrorHandler((error, request, reply) => {
      const problem = toProblem(error);
      if (problem.status >= 500 && !problem.told) request.log.error({ err: error }, 'the request failed');
      return send(request, reply, problem);
    });

    app.setNotFoundHandler((request, reply) => {
      const methods = app.directory.methodsOf(request.url);
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
  { name: 'errors', dependencies: ['directory'], decorators: { fastify: ['directory'] } },
);
