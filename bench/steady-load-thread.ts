/** Sends requests in a thread of its own: in the thread of the requests whose latency is measured, it would delay these. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSteadily } from './steady-load.ts';

const { url, requests, rate } = workerData;
parentPort?.postMessage(await loadSteadily(url, requests, rate));
