/** The messages between the primary and its workers. */
import type { Settings } from '../config/load.ts';

export type ToWorker = { kind: 'serve'; settings: Settings } | { kind: 'stop' };
export type FromWorker = { kind: 'listening'; url: string } | { kind: 'failed'; reason: string };
