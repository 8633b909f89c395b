/** The functions that write answers, made once for each schema: routes share most of their schemas. */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type SerializerFactory = ReturnType<typeof SerializerSelector>;
type Compile = ReturnType<SerializerFactory>;

const makeFactory: SerializerFactory = SerializerSelector();

/** The compilers, by the texts of the schemas that theirs may refer to. */
const compilers = new Map<string, Compile>();

/** Fastify asks for a compiler for each blueprint, whose schemas may refer to others that only it knows. */
export const serializerFactory: SerializerFactory = (referable, options) => {
  const key = JSON.stringify([referable, options]);
  const known = compilers.get(key);
  if (known) return known;
  const compile = makeFactory(referable, options);
  const made = new Map<unknown, ReturnType<Compile>>();
  const compileOnce: Compile = (route) => {
    const serialize = made.get(route.schema) ?? compile(route);
    made.set(route.schema, serialize);
    return serialize;
  };
  compilers.set(key, compileOnce);
  return compileOnce;
};
