/** The one table that turns errors into problem details (RFC 9457), whoever throws them: a rule, the database, the validation or Fastify. */
import type { Static } from 'typebox';
import * as accounts from '../../accounts/errors.ts';
import {
  DatabaseUnavailableError,
  DuplicateError,
  ReadOnlyError,
  WrongSchemaError,
} from '../../db/engines/engine.ts';
import type { Problem } from '../../schemas/common.ts';
import { type FieldError, PROBLEMS, type ProblemKind } from '../../schemas/problems.ts';

type ProblemPart = NonNullable<Static<typeof Problem>['errors']>[number];

export interface ProblemOptions {
  /** What kind of problem it is, which says its status (schemas/problems.ts). */
  kind: ProblemKind;
  /** What happened and what to do about it. */
  detail: string;
  errors?: (FieldError & Pick<ProblemPart, 'in'>)[];
  headers?: Record<string, string>;
  /** Whether it is logged elsewhere, so that each request adds no entry. */
  logged?: boolean;
}

/** An error of another program's making, of which only the status is known. */
interface UntypedProblem extends Omit<ProblemOptions, 'kind'> {
  kind?: never;
  status: number;
}

/** What is answered. */
export type ProblemAnswer = ProblemOptions | UntypedProblem;

export function statusOf(answer: ProblemAnswer): number {
  return answer.kind ? PROBLEMS[answer.kind].status : answer.status;
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
    this.statusCode = statusOf(options);
  }
}

/** @returns the error that these fields of that part of the request are wrong. There must be one at least. */
export function invalidRequest(part: ProblemPart['in'], fields: FieldError[]): ProblemError {
  const [first, ...others] = fields;
  const more = others.length > 0 ? ` There is more in errors (${fields.length}).` : '';
  return new ProblemError({
    kind: 'invalid',
    detail: `The ${part} ${part === 'headers' ? 'are' : 'is'} not valid: ${first?.pointer || 'it'} ${first?.detail ?? 'is not valid'}.${more}`,
    errors: fields.map((field) => ({ in: part, ...field })),
  });
}

/** @returns the error of one field of a body. */
const inBody = (pointer: string, code: FieldError['code'], detail: string) => [
  { in: 'body' as const, pointer, code, detail },
];

/** Where Fastify's own words do not say what to do. */
const EXPLANATIONS: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON: send it with Content-Type: application/json.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
};

/** The kinds of Fastify's own errors, by their status. */
const BY_STATUS: Record<number, ProblemKind> = {
  400: 'malformed',
  413: 'body-too-large',
  414: 'path-too-long',
  415: 'not-json',
};

const RETRY_SOON = { 'retry-after': '1' };

type ErrorClass = new (...args: never[]) => Error;

/** A row of the table: the class of an error, and what is said of one. Rows without a detail use the error's own message. */
function row<Thrown extends Error>(
  type: new (...args: never[]) => Thrown,
  say: (error: Thrown) => Omit<ProblemOptions, 'detail'> & { detail?: string },
): [ErrorClass, (error: unknown) => ProblemOptions] {
  return [
    type,
    (error) => {
      if (!(error instanceof type))
        throw new TypeError('A row of problems is asked for its own errors only.');
      return { detail: error.message, ...say(error) };
    },
  ];
}

const TABLE = [
  row(ProblemError, ({ options }) => options),
  row(accounts.NotFoundError, () => ({ kind: 'not-found' })),
  row(accounts.UnauthenticatedError, () => ({
    kind: 'unauthenticated',
    detail: 'Sign in first: POST /api/sign/in.',
  })),
  row(accounts.WrongCredentialsError, () => ({ kind: 'wrong-credentials' })),
  // Not 401, by which a client would take the session for ended.
  row(accounts.WrongPasswordError, ({ changing }) => ({
    kind: 'wrong-password',
    errors: inBody(changing ? '/current' : '/password', 'wrong', 'is wrong'),
  })),
  row(accounts.MissingPermissionError, () => ({ kind: 'missing-permission' })),
  row(accounts.ForbiddenFieldsError, ({ fields, permission }) => ({
    kind: 'missing-permission',
    errors: fields.flatMap((field) => inBody(`/${field}`, 'forbidden', `asks for ${permission}`)),
  })),
  row(accounts.SessionRequiredError, () => ({ kind: 'session-required' })),
  row(accounts.StaleSessionError, () => ({
    kind: 'confirm',
    detail: 'This asks for a password that was given of late: POST /api/sign/confirm, then try again.',
  })),
  row(accounts.OwnPasswordError, ({ own }) => ({
    kind: 'own-password',
    detail: own
      ? "One changes one's own password by PUT /api/users/:id/password."
      : 'Only the users themselves change their password. Issue a one-time code: POST /api/users/:id/reset.',
  })),
  row(accounts.LastAdministratorError, () => ({ kind: 'last-administrator' })),
  row(accounts.StaleVersionError, () => ({ kind: 'stale-version' })),
  row(accounts.ConflictError, () => ({ kind: 'conflict' })),
  row(accounts.InvalidCodeError, () => ({
    kind: 'invalid-code',
    errors: inBody('/code', 'wrong', 'is mistyped, used or expired'),
  })),
  row(
    accounts.WeakPasswordError,
    ({ weaknesses }) =>
      invalidRequest(
        'body',
        weaknesses.map((weakness) => ({ pointer: '/password', ...weakness })),
      ).options,
  ),
  row(accounts.PasswordCheckError, () => ({
    kind: 'password-check-unavailable',
    detail: 'New passwords can not be checked at present. Nothing was changed; try again later.',
    headers: RETRY_SOON,
  })),
  row(accounts.TooManyAttemptsError, ({ bounds: { name, seconds, limit, window } }) => ({
    kind: 'too-many-attempts',
    headers: {
      'retry-after': String(seconds),
      'ratelimit-policy': `"${name}";q=${limit};w=${window}`,
      ratelimit: `"${name}";r=0;t=${seconds}`,
    },
  })),
  row(accounts.BusyError, () => ({ kind: 'busy', headers: RETRY_SOON, logged: true })),
  row(WrongSchemaError, () => ({
    kind: 'wrong-schema',
    detail: 'The database has not the schema of this version. Nothing was changed; try again in a moment.',
    headers: RETRY_SOON,
  })),
  row(ReadOnlyError, () => ({
    kind: 'read-only',
    detail: 'The database can be read only at present. Nothing was changed; try again in a moment.',
    headers: RETRY_SOON,
  })),
  row(DatabaseUnavailableError, ({ unchanged }) =>
    unchanged
      ? {
          kind: 'database-unavailable',
          detail: 'The database can not serve at present. Nothing was changed; try again in a moment.',
          headers: RETRY_SOON,
        }
      : {
          kind: 'outcome-unknown',
          detail:
            'The database went away while it was writing. Look whether the change was made before you try again.',
          headers: RETRY_SOON,
        },
  ),
  row(accounts.TakenError, ({ fields }) => ({
    kind: 'duplicate',
    errors: fields.flatMap((field) => inBody(`/${field}`, 'taken', 'is taken')),
  })),
  row(DuplicateError, () => ({ kind: 'duplicate', detail: 'Another one has this already.' })),
];

/** @returns what to tell the client of an error. */
export function toProblem(error: unknown): ProblemAnswer {
  const found = TABLE.find(([type]) => error instanceof type);
  if (found) return found[1](error);
  if (blamesClient(error)) {
    const { statusCode: status, code = '', message } = error;
    const detail = EXPLANATIONS[code] ?? message;
    const kind = BY_STATUS[status];
    return kind ? { kind, detail } : { status, detail };
  }
  return {
    kind: 'internal',
    detail: 'Something went wrong on our side. The log has more under this request id.',
  };
}

/** @returns whether it is an error of Fastify or a plugin that blames the client by its status. Only Fastify's have a code. */
function blamesClient(error: unknown): error is Error & { statusCode: number; code?: string } {
  return (
    error instanceof Error &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode < 500
  );
}
