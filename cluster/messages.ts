/**
 * The messages between the primary and the processes that it starts. A reload starts processes of new code under a primary of the old
 * code. So change these messages only by adding, and pass over messages of another kind.
 */
import type { Registry } from 'prom-client';
import type { Settings } from '../config/load.ts';

/** The settings that the command line gives, by name. */
export type Flags = Record<string, string | undefined>;

/** The values of a process. */
export type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** How many requests have failed because the database can't serve, and why the last of them did. */
interface Unavailable {
  kind: 'unavailable';
  count: number;
  reason: string;
}

/** Whether the database can be written. */
interface Writable {
  kind: 'writable';
  isWritable: boolean;
}

/** The whole service stops, or another process has taken this one's place. */
interface Stop {
  kind: 'stop';
  serviceStops: boolean;
}

type FromEach =
  | { kind: 'failed'; reason: string }
  /** Also sent before a worker ends. */
  | { kind: 'metrics'; metrics: Metrics }
  /** Sent every HEARTBEAT: the event loop turns. */
  | { kind: 'alive' };

export type ToWorker =
  | { kind: 'load-settings'; flags: Flags }
  /** It comes with the socket to listen on. */
  | { kind: 'serve'; settings: Settings }
  | { kind: 'tell-metrics' }
  | Writable
  | Stop;

export type FromWorker =
  | { kind: 'settings'; settings: Settings }
  | { kind: 'listening'; version: string }
  | Unavailable
  | FromEach;

/** What the start found: the migrations that it applied, and whether any user can sign in. */
export interface PreparedDatabase {
  migrations: string[];
  hasUsers: boolean;
}

export type ToMaintainer =
  | { kind: 'prepare'; settings: Settings }
  | { kind: 'maintain'; settings: Settings }
  | { kind: 'tell-metrics' }
  | Unavailable
  | Stop;

export type FromMaintainer =
  | ({ kind: 'prepared' } & PreparedDatabase)
  | { kind: 'maintaining' }
  | Writable
  | FromEach;

/** In milliseconds. */
export const HEARTBEAT = 1_000;
/** How long a process may take to tell its metrics, in milliseconds. Prometheus itself waits for ten seconds. */
export const METRICS_DEADLINE = 2_000;
