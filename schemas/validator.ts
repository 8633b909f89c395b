/**
 * Validates values with Ajv, for the API and the operator's commands, with messages for readers. Only the first error is reported:
 * a client can make it expensive to find all of them.
 */
import { Ajv, type AnySchema, type ErrorObject, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { normalizeIdentifier } from '../db/identifiers.ts';

/** Validates the schemas themselves. It is shared, since it takes long to prepare. */
const schemaChecker = new Ajv({ strict: false });

/** @param coerceTypes whether text is converted to the schema's type, as for query and path parameters. */
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
    /** @throws when the schema is invalid. */
    compile(schema: AnySchema): ValidateFunction {
      schemaChecker.validateSchema(schema, true);
      return ajv.compile(schema);
    },
  };
}

/** @returns the error with a message for readers and without the value, which may be a secret. */
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

/** `identifier: { maxLength, pattern }` applies these keywords to the text as it is compared (see db/identifiers.ts). */
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
