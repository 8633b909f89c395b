/** The input and output that both load generators share. */

export interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface LoadOptions {
  seconds: number;
  connections: number;
  /** The maximum of requests a second; unlimited when absent. */
  rate?: number;
}

/** The result of a run. Only 2xx responses are good. */
export interface Load {
  good: number;
  /** Other responses, errors and timeouts. */
  other: number;
  perSecond: number;
  /** The latency of all responses, in milliseconds. */
  p50: number;
  p99: number;
}
