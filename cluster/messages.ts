/**
 * The messages between the primary and its workers. A reload starts workers of new code under a primary of the old code. So change
 * these messages only by adding, and pass over messages of another kind.
 */
import type { Registry } from 'prom-client';
import type { Settings } from '../config/load.ts';

/** The settings that the command line gives, by name. */
export type Flags = Record<string, string | undefined>;

/** The values of a worker. */
export type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

export type ToWorker =
  | { kind: 'load-settings'; flags: Flags }
  /** It comes with the socket to listen on. */
  | { kind: 'serve'; settings: Settings }
  | { kind: 'tell-metrics' }
  /** Whether the database can be written. */
  | { kind: 'writable'; isWritable: boolean }
  /** The whole service stops, or another worker has taken this one's place. */
  | { kind: 'stop'; serviceStops: boolean };

export type FromWorker =
  | { kind: 'settings'; settings: Settings }
  | { kind: 'listening'; version: string }
  | { kind: 'failed'; reason: string }
  /** Also sent before the worker ends. */
  | { kind: 'metrics'; metrics: Metrics }
  /** How many requests have failed because the database can't serve, and why the last of them did. */
  | { kind: 'unavailable'; count: number; reason: string }
  /** Sent every HEARTBEAT: the event loop turns. */
  | { kind: 'alive' };

/** In milliseconds. */
export const HEARTBEAT = 1_000;
