/** A real load generator (autocannon), in a process and on a processor of its own. Only answers with 2xx count. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../config/project.ts';
import { pinned } from './server.ts';

export interface Request {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Load {
  /** How many answers with 2xx came, and how many others (refusals, errors, time-outs). */
  good: number;
  other: number;
  /** Both in seconds. */
  seconds: number;
  perSecond: number;
  /** Both in milliseconds. */
  p50: number;
  p99: number;
}

const AUTOCANNON = join(PROJECT_ROOT, 'node_modules/autocannon/autocannon.js');

interface Report {
  '2xx': number;
  non2xx: number;
  errors: number;
  duration: number;
  latency: { p50: number; p99: number };
}

/** Sends the request again and again for so many seconds, over so many connections. */
export async function load(
  url: string,
  { method, path, headers = {}, body }: Request,
  { seconds, connections = 10, rate }: { seconds: number; connections?: number; rate?: number },
): Promise<Load> {
  const flags = [
    ...['--json', '--connections', String(connections), '--duration', String(seconds), '--method', method],
    ...(rate === undefined ? [] : ['--overallRate', String(rate)]),
    ...Object.entries(headers).flatMap(([name, value]) => ['--headers', `${name}=${value}`]),
    ...(body === undefined ? [] : ['--headers', 'content-type=application/json', '--body', body]),
  ];
  const [program = '', ...args] = pinned(1, [process.execPath, AUTOCANNON, ...flags, url + path]);
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 });
  const report: Report = JSON.parse(stdout);
  return {
    good: report['2xx'],
    other: report.non2xx + report.errors,
    seconds: report.duration,
    perSecond: report['2xx'] / report.duration,
    p50: report.latency.p50,
    p99: report.latency.p99,
  };
}
