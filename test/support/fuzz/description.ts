/** The description of the API, as /openapi.json gives it: its operations, which of them a request is for, and what its answers must be like. */
import { Ajv, type ValidateFunction } from 'ajv';

/** What of JSON Schema the fuzzer makes values of. */
export interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  minProperties?: number;
  items?: Schema;
  maxItems?: number;
  uniqueItems?: boolean;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

type Content = Record<string, { schema: Schema }>;

interface Described {
  operationId: string;
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
  security: object[];
}

export interface Description {
  paths: Record<string, Record<string, Described>>;
  components: object;
}

export interface Operation extends Described {
  /** In capitals. */
  method: string;
  /** With `{name}` where a parameter stands. */
  path: string;
}

/** The parts between the slashes. A slash at the end changes nothing. */
const partsOf = (path: string) => path.replace(/\/$/, '').split('/');

/** @returns whether the path is one of the template's. */
function fits(template: string, path: string): boolean {
  const [wanted, parts] = [partsOf(template), partsOf(path)];
  return (
    wanted.length === parts.length &&
    wanted.every((part, index) => part.startsWith('{') || part === parts[index])
  );
}

export class Api {
  readonly operations: Operation[];
  readonly #components: object;
  readonly #ajv = new Ajv({ strict: false });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor({ paths, components }: Description) {
    this.#components = components;
    this.operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({
        ...described,
        method: method.toUpperCase(),
        path,
      })),
    );
  }

  /** @returns the operations of that path, by their methods. */
  at(path: string): Map<string, Operation> {
    const found = this.operations.filter((operation) => fits(operation.path, path));
    return new Map(found.map((operation) => [operation.method, operation]));
  }

  /** @returns what is wrong with the body by its schema, undefined when nothing is. */
  faultOf(schema: Schema, body: unknown): string | undefined {
    const key = JSON.stringify(schema);
    const validate =
      this.#validators.get(key) ?? this.#ajv.compile({ ...schema, components: this.#components });
    this.#validators.set(key, validate);
    return validate(body) ? undefined : this.#ajv.errorsText(validate.errors, { dataVar: 'body' });
  }
}
