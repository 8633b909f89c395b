/**
 * The trace of which a request is a part (W3C Trace Context): all lines that the request writes to the log carry it, so that they are
 * found beside those of other services. It is taken from everybody, proxy or client, since nothing is decided by it: it is a label.
 */
import fp from 'fastify-plugin';

/** In the names of OpenTelemetry. */
interface TraceFields {
  trace_id: string;
  /** The span of the caller. */
  span_id: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined without a valid header. */
    readonly trace: TraceFields | undefined;
  }
}

/** Version, trace, span and flags. Zeros alone are no id. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}$/;

/** @param header of the name traceparent. @returns undefined for a malformed one, which is ignored, as the standard says. */
export function traceOf(header: unknown): TraceFields | undefined {
  const found = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const [, trace_id, span_id] = found ?? [];
  return trace_id && span_id ? { trace_id, span_id } : undefined;
}

export default fp(
  async (app) => {
    app.decorateRequest('trace', {
      getter() {
        return traceOf(this.headers.traceparent);
      },
    });
  },
  { name: 'trace-context' },
);
