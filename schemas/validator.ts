/** Validates values with Ajv, for the API and the operator's commands. field-errors.ts has the messages. */
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { isEmailAddress, normalizeIdentifier } from '../db/text.ts';
import { fieldErrors } from './field-errors.ts';
import { parseInstant } from './instant.ts';

/** Validates the schemas themselves. */
const schemaChecker = new Ajv({ strict: false });

/** @param coerceTypes whether text is converted to the schema's type. */
function makeValidator({ coerceTypes }: { coerceTypes: boolean }) {
  const ajv = new Ajv({
    coerceTypes,
    // Finding all errors can be made expensive, so whatever is validated must be of limited size: a body is (app.ts), and
    // Node limits the headers, the path and its query among them.
    allErrors: true,
    useDefaults: true,
    strict: false,
    verbose: true,
    validateSchema: false,
  });
  ajv.addKeyword({
    keyword: 'lowerCase',
    type: 'string',
    modifying: true,
    validate: toLowerCase,
  });
  ajv.addKeyword({
    keyword: 'instant',
    type: 'string',
    validate: (_on: unknown, text: string) => parseInstant(text) !== undefined,
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

/** Validates values as they are. Like the other one, it is shared: each takes long to prepare, and compiles a schema once. */
export const validator = makeValidator({ coerceTypes: false });

/** Converts text to the type of the schema, as for query and path parameters. */
export const convertingValidator = makeValidator({ coerceTypes: true });

/** Where a value stands: nowhere, when it is validated by itself. */
interface Place {
  parentData?: Record<string | number, unknown>;
  parentDataProperty: string | number;
}

/** `lowerCase: true` puts a text of the request into lower case. */
function toLowerCase(_on: unknown, text: string, _schema?: unknown, place?: Place): boolean {
  if (place?.parentData) place.parentData[place.parentDataProperty] = text.toLowerCase();
  return true;
}

/** The rule of the keyword `identifier`. */
interface IdentifierRule {
  maxLength: number;
  pattern: string;
  /** Whether the text must be an e-mail address, for which a pattern does not suffice. */
  email?: boolean;
}

/**
 * `identifier: { maxLength, pattern }` applies these keywords to the text as it is compared (see db/text.ts). A text that is too
 * long as it was sent is left to `maxLength`: the time that folding takes grows with the square of the length.
 */
function checksIdentifier({ maxLength, pattern, email = false }: IdentifierRule) {
  const expression = new RegExp(pattern, 'u');
  return (text: string) => {
    if ([...text].length > maxLength) return true;
    const key = normalizeIdentifier(text);
    return [...key].length <= maxLength && expression.test(key) && (!email || isEmailAddress(text));
  };
}

/** @returns what is wrong with the value, or undefined when it fits the schema. */
export function validationError(schema: TSchema, value: unknown): string | undefined {
  const validate = validator.compile(schema);
  if (validate(value)) return undefined;
  return fieldErrors(validate.errors ?? [])
    .map(({ detail }) => detail)
    .join(', ');
}
