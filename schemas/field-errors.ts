/** Says what is wrong with a field: in plain words for people, and by a code for programs. Ajv's own messages are for neither. */
import type { ErrorObject } from 'ajv';
import { type FieldCode, type FieldError, MAX_FIELD_ERRORS } from './problems.ts';

type Message = [FieldCode, string];

const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

const counted = (count: unknown, one: string, many: string) =>
  count === 1 ? `one ${one}` : `${String(count)} ${many}`;
const characters = (limit: unknown) => `${counted(limit, 'character', 'characters')} long`;

/** By Ajv's keywords. */
const MESSAGES: Record<string, (error: ErrorObject) => Message> = {
  additionalProperties: () => ['unknown', 'is not a field of this'],
  required: () => ['missing', 'is missing'],
  type: ({ params }) => {
    const types = [params.type].flat().map((type) => TYPES[String(type)] ?? String(type));
    return ['type', `must be ${types.join(' or ')}`];
  },
  enum: ({ params }) => ['choice', `must be one of ${[params.allowedValues].flat().join(', ')}`],
  minLength: ({ params: { limit } }) =>
    limit === 1 ? ['too-short', 'must not be empty'] : ['too-short', `must be at least ${characters(limit)}`],
  maxLength: ({ params: { limit } }) => ['too-long', `must be at most ${characters(limit)}`],
  minimum: ({ params }) => ['too-small', `must be at least ${String(params.limit)}`],
  maximum: ({ params }) => ['too-large', `must be at most ${String(params.limit)}`],
  minItems: ({ params: { limit } }) => [
    'too-few',
    `must have at least ${counted(limit, 'entry', 'entries')}`,
  ],
  maxItems: ({ params: { limit } }) => [
    'too-many',
    `must have at most ${counted(limit, 'entry', 'entries')}`,
  ],
  minProperties: ({ params: { limit } }) => [
    'too-few',
    `must have at least ${counted(limit, 'field', 'fields')}`,
  ],
  uniqueItems: () => ['repeated', 'must not have the same entry twice'],
};

/** What a schema says of its form by `rule`, which completes "must be …". */
function formatMessage({ parentSchema }: ErrorObject): Message {
  const rule: unknown = parentSchema?.rule;
  return ['format', typeof rule === 'string' ? `must be ${rule}` : 'is not valid'];
}

/** @returns the name as a part of a JSON Pointer (RFC 6901, section 3). */
export function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function pointerOf({ instancePath, params }: ErrorObject): string {
  const name: unknown = params.additionalProperty ?? params.missingProperty;
  return instancePath + (typeof name === 'string' ? pointerTo(name) : '');
}

/**
 * @param errors Ajv's errors, with their schemas and data (`verbose`).
 * @param converted whether the value came as text, where a parameter that is given twice becomes a list.
 * @returns the first error of each field, at most 20, and never the values, which may be secrets.
 */
export function fieldErrors(errors: ErrorObject[], converted = false): FieldError[] {
  const found = new Map<string, FieldError>();
  for (const error of errors) {
    const pointer = pointerOf(error);
    if (found.has(pointer)) continue;
    const { keyword, data } = error;
    const isTwice = converted && keyword === 'type' && Array.isArray(data);
    const [code, detail]: Message = isTwice
      ? ['repeated', 'must be given only once']
      : (MESSAGES[keyword] ?? formatMessage)(error);
    found.set(pointer, { pointer, code, detail });
    if (found.size === MAX_FIELD_ERRORS) break;
  }
  return [...found.values()];
}
