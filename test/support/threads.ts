/**
 * Imported for its effect: threads that the service starts in the process of a test, to hash, do not load tap. Node lets each thread load
 * what the process was started with, which takes three times as long as the thread's own code.
 */
import { syncBuiltinESMExports } from 'node:module';
import threads, { Worker, type WorkerOptions } from 'node:worker_threads';

class PlainWorker extends Worker {
  constructor(code: string | URL, options: WorkerOptions = {}) {
    super(code, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' }, ...options });
  }
}

Object.assign(threads, { Worker: PlainWorker });
syncBuiltinESMExports();
