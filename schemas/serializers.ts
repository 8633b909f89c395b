/**
 * How answers are written: by functions that are made of their schemas. The routes of a blueprint share most of those, above all
 * the one of problems, and without this it would be made anew for every one of them: 45 of the 480 ms that a worker needs to start.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type SerializerFactory = ReturnType<typeof SerializerSelector>;

const makeFactory: SerializerFactory = SerializerSelector();

/** For Fastify, which asks for a compiler for each blueprint: its schemas may refer to others that only it knows. */
export const serializerFactory: SerializerFactory = (referable, options) => {
  const compile = makeFactory(referable, options);
  const made = new Map<unknown, ReturnType<typeof compile>>();
  return (route) => {
    const serialize = made.get(route.schema) ?? compile(route);
    made.set(route.schema, serialize);
    return serialize;
  };
};
