/** The one table that turns errors into problem details (RFC 9457), whoever throws them: a rule, the database, the validation or Fastify. */
import type { FastifyError } from 'fastify';
import type { Static } from 'typebox';
import * as accounts from '../../accounts/errors.ts';
import { DatabaseUnavailableError, DuplicateError } from '../../db/engines/engine.ts';
import type { Problem } from '../../schemas/common.ts';

type ProblemBody = Static<typeof Problem>;
type ProblemPart = NonNullable<ProblemBody['errors']>[number];

export interface ProblemOptions {
  status: number;
  /** What happened and what to do about it. */
  detail: string;
  /** The kind of problem, where a client may want to tell it from others of the same status. */
  kind?: string;
  errors?: ProblemPart[];
  headers?: Record<string, string>;
  /** Whether it is logged elsewhere, so that each request adds no entry. */
  logged?: boolean;
}

/** An answer that is an error, ready to be thrown. */
export class ProblemError extends Error {
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

/** The field of the API that each unique index is about. */
const UNIQUE_FIELDS: Record<string, string> = {
  users_username_key: 'username',
  users_email_key: 'email',
  groups_name: 'name',
};

/** Where Fastify's own words do not say what to do. */
const EXPLANATIONS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON: send it with Content-Type: application/json.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

const RETRY_SOON = { 'retry-after': '1' };

type ErrorClass = new (...args: never[]) => Error;

/** A row of the table: the class of an error, and what is said of one. Rows without a detail use the error's own message. */
function row<Thrown extends Error>(
  kind: new (...args: never[]) => Thrown,
  say: (error: Thrown) => Omit<ProblemOptions, 'detail'> & { detail?: string },
): [ErrorClass, (error: unknown) => ProblemOptions] {
  return [
    kind,
    (error) => {
      if (!(error instanceof kind))
        throw new TypeError('A row of problems is asked for its own errors only.');
      return { detail: error.message, ...say(error) };
    },
  ];
}

const TABLE = [
  row(ProblemError, ({ options }) => options),
  row(accounts.NotFoundError, () => ({ status: 404 })),
  row(accounts.UnauthenticatedError, () => ({ status: 401, detail: 'Sign in first: POST /api/sign/in.' })),
  row(accounts.WrongCredentialsError, () => ({ status: 401 })),
  row(accounts.WrongPasswordError, ({ changing }) => ({
    status: 401,
    ...(changing ? { errors: [{ in: 'body', pointer: '/current', detail: 'is wrong' }] } : {}),
  })),
  row(accounts.MissingPermissionError, () => ({ status: 403 })),
  row(accounts.ForbiddenFieldsError, ({ fields, permission }) => ({
    status: 403,
    errors: fields.map((field) => ({
      in: 'body',
      pointer: `/${field}`,
      detail: `asks for ${permission}`,
    })),
  })),
  row(accounts.SessionRequiredError, () => ({ status: 403, kind: 'session-required' })),
  row(accounts.StaleSessionError, () => ({
    status: 403,
    kind: 'confirm',
    detail: 'This asks for a password that was given of late: POST /api/sign/confirm, then try again.',
  })),
  row(accounts.OwnPasswordError, ({ own }) => ({
    status: 403,
    detail: own
      ? "One changes one's own password by PUT /api/users/:id/password."
      : 'Only the users themselves change their password. Issue a one-time code: POST /api/users/:id/reset.',
  })),
  row(accounts.LastAdministratorError, () => ({ status: 409, kind: 'last-administrator' })),
  row(accounts.StaleVersionError, () => ({ status: 412 })),
  row(accounts.ConflictError, () => ({ status: 409 })),
  row(accounts.InvalidCodeError, () => ({
    status: 400,
    kind: 'invalid-code',
    errors: [{ in: 'body', pointer: '/code', detail: 'is mistyped, used or expired' }],
  })),
  row(accounts.TooManyAttemptsError, ({ bounds: { seconds, limit, window } }) => ({
    status: 429,
    kind: 'too-many-attempts',
    headers: {
      'retry-after': String(seconds),
      'ratelimit-policy': `"attempts";q=${limit};w=${window}`,
      ratelimit: `"attempts";r=0;t=${seconds}`,
    },
  })),
  row(accounts.BusyError, () => ({ status: 503, kind: 'busy', headers: RETRY_SOON, logged: true })),
  row(DatabaseUnavailableError, ({ unchanged }) => ({
    status: 503,
    detail: unchanged
      ? 'The database can not serve at present. Nothing was changed; try again in a moment.'
      : 'The database went away while it was writing. Look whether the change was made before you try again.',
    headers: RETRY_SOON,
  })),
  row(DuplicateError, ({ index }) => {
    const field = UNIQUE_FIELDS[index];
    return {
      status: 409,
      kind: 'duplicate',
      detail: `Another one has this ${field ?? 'already'}.`,
      ...(field ? { errors: [{ in: 'body', pointer: `/${field}`, detail: 'is taken' }] } : {}),
    };
  }),
];

/** @returns what to tell the client of an error. */
export function toProblem(error: unknown): ProblemOptions {
  const found = TABLE.find(([kind]) => error instanceof kind);
  if (found) return found[1](error);
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
