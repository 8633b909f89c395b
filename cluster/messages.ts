/** What the primary and its workers say to each other. */
import type { Settings } from '../config/load.ts';

/** To a worker: first what to serve with, at last that it should stop. */
export type ToWorker = { kind: 'serve'; settings: Settings } | { kind: 'stop' };

/** From a worker: that it listens, and where; or why it can't. */
export type FromWorker = { kind: 'listening'; url: string } | { kind: 'failed'; reason: string };
