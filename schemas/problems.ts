/**
 * What can be wrong, for programs to tell apart: the types of problems, and the codes of wrong fields. docs/api.md lists both for
 * clients, and a test compares it with these lists. A blueprint that has a problem of its own adds a line.
 */

interface ProblemMeaning {
  status: number;
  /** What happened, as the description of the API says it. */
  meaning: string;
}

/** By kind. The type of a problem is `urn:rollcall:problem:` and its kind. */
export const PROBLEMS = {
  invalid: { status: 400, meaning: 'Some fields of the request are wrong: `errors` names them.' },
  malformed: {
    status: 400,
    meaning: 'The request can not be read: its HTTP, its path or its JSON is broken.',
  },
  'invalid-code': { status: 400, meaning: 'The one-time code is mistyped, used or expired.' },
  unauthenticated: { status: 401, meaning: 'The request has no credentials.' },
  'session-ended': { status: 401, meaning: 'The session of the cookie has ended: sign in again.' },
  'invalid-token': {
    status: 401,
    meaning: 'The bearer token is mistyped, ended or expired, or its owner disabled.',
  },
  'wrong-credentials': { status: 401, meaning: 'Username and password do not belong together.' },
  'missing-permission': { status: 403, meaning: 'The caller does not hold a permission that this asks for.' },
  'insufficient-scope': {
    status: 403,
    meaning: 'The bearer token does not have the scope that this asks for.',
  },
  'session-required': {
    status: 403,
    meaning: 'Only a user who has signed in may do this, and no bearer token.',
  },
  'https-required': { status: 403, meaning: 'In production, credentials and changes need HTTPS.' },
  'cross-site': {
    status: 403,
    meaning: 'A page of another origin sent a change, and the setting `ORIGINS` does not list it.',
  },
  confirm: { status: 403, meaning: 'The session is not fresh: POST /api/sign/confirm, then try again.' },
  'wrong-password': { status: 403, meaning: 'A signed-in user gave a wrong password. The session goes on.' },
  'own-password': {
    status: 403,
    meaning: 'Only the users themselves change their password, and not by a code.',
  },
  'not-a-member': { status: 403, meaning: 'The caller does not belong to the group that `group` names.' },
  'not-found': { status: 404, meaning: 'There is nothing of that kind with this id.' },
  'no-such-path': { status: 404, meaning: 'There is no route of this path.' },
  'method-not-allowed': {
    status: 405,
    meaning: 'The route does not take this method: `Allow` names those it takes.',
  },
  timeout: { status: 408, meaning: 'The request did not arrive in time.' },
  duplicate: { status: 409, meaning: 'Another one has what must be unique: `errors` names the fields.' },
  'last-administrator': {
    status: 409,
    meaning: 'No other user who can sign in would hold every permission.',
  },
  conflict: { status: 409, meaning: 'Others changed the same thing meanwhile. Nothing was changed.' },
  'stale-version': { status: 412, meaning: 'It has changed since the version that `If-Match` names.' },
  'body-too-large': { status: 413, meaning: 'The body is larger than 64 KiB.' },
  'path-too-long': { status: 414, meaning: 'A part of the path is too long.' },
  'not-json': { status: 415, meaning: 'The body is of another type than application/json.' },
  'content-encoding': { status: 415, meaning: 'The body is compressed, or encoded in another way.' },
  'expectation-failed': { status: 417, meaning: '`Expect` asks for what this service does not do.' },
  'too-many-attempts': { status: 429, meaning: 'There were too many attempts: wait as `Retry-After` says.' },
  'headers-too-large': { status: 431, meaning: 'The headers of the request are too large.' },
  internal: { status: 500, meaning: 'Something went wrong in the service. Its log has more.' },
  busy: { status: 503, meaning: 'Too many passwords are being looked at. Nothing was changed; try again.' },
  stopping: { status: 503, meaning: 'The process answers what it has taken, and ends: ask another one.' },
  overloaded: {
    status: 503,
    meaning: 'The service has more requests than it can answer. Nothing was changed; try again.',
  },
  'password-check-unavailable': {
    status: 503,
    meaning: 'New passwords can not be checked at present. Nothing was changed; try again later.',
  },
  'database-unavailable': {
    status: 503,
    meaning: 'The database can not serve. Nothing was changed; try again.',
  },
  'read-only': {
    status: 503,
    meaning: 'The database can be read only. Nothing was changed; try again.',
  },
  'outcome-unknown': {
    status: 503,
    meaning: 'The database went away while it wrote. Look whether the change was made.',
  },
  'wrong-schema': { status: 503, meaning: 'The database has not the schema of this version.' },
} as const satisfies Record<string, ProblemMeaning>;

export type ProblemKind = keyof typeof PROBLEMS;

/** @returns the type of problems of that kind. */
export const problemType = (kind: ProblemKind) => `urn:rollcall:problem:${kind}` as const;

/** What can be wrong with a field, by its code. */
export const FIELD_CODES = {
  unknown: 'There is no such field or parameter.',
  missing: 'It must be given.',
  type: 'It is of another type, such as a number in the place of text.',
  format: 'It does not have the form that it must have.',
  choice: 'It is none of the values that it may have.',
  'too-short': 'The text has too few characters.',
  'too-long': 'The text has too many characters.',
  'too-small': 'The number is too small.',
  'too-large': 'The number is too large.',
  'too-few': 'It has too few entries or fields.',
  'too-many': 'It has too many entries.',
  repeated: 'It is there twice.',
  taken: 'Another one has it.',
  wrong: 'The password or the one-time code is wrong.',
  forbidden: 'The caller may not set it.',
  common: 'The password is a common one, or one that this service refuses.',
  'contains-name':
    'The password contains the username, the e-mail address up to the @, or the name of the service.',
  breached: 'The password is known from breaches.',
} as const satisfies Record<string, string>;

export type FieldCode = keyof typeof FIELD_CODES;

/** A field that is wrong. */
export interface FieldError {
  /** A JSON Pointer (RFC 6901) into its part of the request. */
  pointer: string;
  code: FieldCode;
  /** What is wrong, for people: it completes a sentence that begins with the field. */
  detail: string;
}

/** How many wrong fields are told at most. */
export const MAX_FIELD_ERRORS = 20;
