/** What a load generator is asked to do, and what it tells of it, whichever it is. */

export interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface LoadOptions {
  seconds: number;
  connections: number;
  /** How many requests a second at most; without it as many as are answered. */
  rate?: number;
}

/** What came of it. Only answers with 2xx are good. */
export interface Load {
  good: number;
  /** Refusals, errors and time-outs. */
  other: number;
  perSecond: number;
  /** In milliseconds, of all answers. */
  p50: number;
  p99: number;
}
