/**
 * Schemas that all blueprints share. `rule` completes "must be …" in the message to a client whose value does not match a
 * pattern.
 */
import type { TProperties, TSchema, TString } from 'typebox';
import { Type } from 'typebox';
import { FIELD_CODES, PROBLEMS, problemType } from './problems.ts';

const HEX = '[0-9a-fA-F]';
const UUID_V7 = `^${HEX}{8}-${HEX}{4}-7${HEX}{3}-[89abAB]${HEX}{3}-${HEX}{12}$`;

const UUID = new RegExp(UUID_V7);

/** An id: a UUIDv7 (RFC 9562, section 5.7). Ours are in lower case; one that comes in another case is the same (section 4). */
export const Id = Type.String({
  pattern: UUID_V7,
  lowerCase: true,
  rule: 'an id, such as 01a203c1-154e-79bc-816a-eaba312efecf',
});

/** @returns the id in lower case, undefined when the text is none. For what comes before or without validation. */
export function toId(text: string): string | undefined {
  return UUID.test(text) ? text.toLowerCase() : undefined;
}

/** One line of text: any Unicode but control characters and lone surrogates, which no database keeps faithfully. */
export function SingleLineText(options: { minLength?: number; maxLength: number }) {
  return Type.String({
    ...options,
    pattern: '^[^\\p{Cc}\\p{Cs}]*$',
    rule: 'text without control characters and lone surrogates',
  });
}

/** A password is taken exactly as typed. Only text that can't be encoded is refused. */
export function Password(options: { minLength: number; description?: string }) {
  return Type.String({
    ...options,
    maxLength: 128,
    pattern: '^[^\\0\\p{Cs}]*$',
    rule: 'text without NUL and lone surrogates',
  });
}

/** Text of that kind, or null. One schema of two types: each part of a union would give an error of its own. */
export function Nullable(schema: TString) {
  return Type.Unsafe<string | null>({ ...schema, type: ['string', 'null'] });
}

/** An object of these fields, or null, in answers. */
export function NullableObject<Fields extends TProperties>(fields: Fields) {
  return Type.Union([Type.Object(fields), Type.Null()]);
}

/** The fields of a body. Other fields are refused. */
export function Body<Fields extends TProperties>(fields: Fields, options = {}) {
  return Type.Object(fields, { additionalProperties: false, ...options });
}

export const IdParams = Type.Object({ id: Id });

export const PageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  /** The `next` of the page before. */
  after: Type.Optional(Id),
});

/** A page of a list: its items, and what to give as `after` for the next one. */
export function Page<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), next: Nullable(Type.String()) });
}

/** A time: ISO 8601 in UTC with milliseconds. */
export const Instant = Type.String({ examples: ['2026-01-31T12:00:00.000Z'] });

const kinds = Object.entries(PROBLEMS).map(
  ([kind, { status, meaning }]) => `- \`${kind}\` (${status}): ${meaning}`,
);
const codes = Object.entries(FIELD_CODES).map(([code, meaning]) => `- \`${code}\`: ${meaning}`);

/** Problem details (RFC 9457). */
export const Problem = Type.Object(
  {
    type: Type.String({
      description: `\`urn:rollcall:problem:\` and one of these, or \`about:blank\` for what has no type of its own:\n${kinds.join('\n')}`,
      examples: [problemType('invalid')],
    }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    requestId: Type.String(),
    /** Which fields of the request are wrong. */
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          in: Type.Enum(['body', 'query', 'path', 'headers']),
          /** A JSON Pointer (RFC 6901) into that part. */
          pointer: Type.String(),
          code: Type.String({ description: `One of these:\n${codes.join('\n')}`, examples: ['too-short'] }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem' },
);

declare module 'fastify' {
  interface FastifySchema {
    /** The statuses of errors that do not follow from the rest of the schema. */
    errors?: number[];
  }
}

const ProblemResponse = Type.Ref('Problem');

/** OpenAPI's `security` of a route that asks for a session and takes no token. */
export const sessionOnly = [{ session: [] }];

/** The responses of a route: its own, and problem details for every error. */
export function responses<Own extends Record<number, TSchema>>(own: Own) {
  return { ...own, '4xx': ProblemResponse, '5xx': ProblemResponse };
}

/** The empty answer of 204. */
export const Nothing = Type.Unsafe<undefined>({ type: 'null' });
