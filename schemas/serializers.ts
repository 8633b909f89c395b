/** The functions that write answers, made once for each schema: the routes of a blueprint share most of their schemas. */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type SerializerFactory = ReturnType<typeof SerializerSelector>;

const makeFactory: SerializerFactory = SerializerSelector();

/** Fastify asks for a compiler for each blueprint, whose schemas may refer to others that only it knows. */
export const serializerFactory: SerializerFactory = (referable, options) => {
  const compile = makeFactory(referable, options);
  const made = new Map<unknown, ReturnType<typeof compile>>();
  return (route) => {
    const serialize = made.get(route.schema) ?? compile(route);
    made.set(route.schema, serialize);
    return serialize;
  };
};
