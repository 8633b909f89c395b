/**
 * How values are checked against the schemas, by the API as well as by the operator's commands: with Ajv, its messages
 * put for the reader. Only the first mistake is told, since looking for all of them can be made expensive.
 */
import { Ajv, type AnySchema, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { normalizeIdentifier } from '../db/identifiers.ts';

/** Checks the schemas themselves, for every validator: to prepare for that takes 14 ms. */
const schemaChecker = new Ajv({ strict: false });

/** @param coerceTypes whether text is converted to the type that is asked for: query and path parameters are text. */
export function makeValidator({ coerceTypes }: { coerceTypes: boolean }) {
  const ajv = new Ajv({
    coerceTypes,
    useDefaults: true,
    strict: false,
    verbose: true,
    validateSchema: false,
  });
  ajv.addKeyword({ keyword: 'identifier', type: 'string', compile: checksIdentifier });
  return {
    /** @throws when the schema is none. */
    compile(schema: AnySchema): ValidateFunction {
      schemaChecker.validateSchema(schema, true);
      return ajv.compile(schema);
    },
  };
}

/** @returns the error with a message for the reader, and without the value that was sent: it may be a secret. */
export function readable({
  parentSchema,
  keyword,
  instancePath,
  params,
  schemaPath,
  ...error
}: ErrorObject): ErrorObject {
  const rule: unknown = parentSchema?.rule;
  let message = error.message ?? 'is not valid';
  if ((keyword === 'pattern' || keyword === 'identifier') && typeof rule === 'string')
    message = `must be ${rule}`;
  if (keyword === 'additionalProperties') message = 'is not a field of this';
  if (keyword === 'required') message = 'is missing';
  if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
    message = `must be one of ${params.allowedValues.join(', ')}`;
  }
  return { keyword, instancePath, schemaPath, params, message };
}

/** `identifier: { maxLength, pattern }` holds for what the text is compared by as the ordinary keywords do for itself. */
function checksIdentifier({ maxLength, pattern }: { maxLength: number; pattern: string }) {
  const expression = new RegExp(pattern, 'u');
  return (text: string) => {
    const key = normalizeIdentifier(text);
    return [...key].length <= maxLength && expression.test(key);
  };
}

/** @returns what is wrong with the value, or undefined when it fits the schema. */
export function validationError(schema: TSchema, value: unknown): string | undefined {
  const validate = makeValidator({ coerceTypes: false }).compile(schema);
  if (validate(value)) return undefined;
  return validate.errors?.map((error) => readable(error).message).join(', ');
}
