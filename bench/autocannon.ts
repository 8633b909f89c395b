/** Runs autocannon where wrk is not installed. An HTTP archive (HAR) is its only way to send several requests. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../config/project.ts';
import { onGeneratorProcessor } from './processors.ts';
import type { Load, LoadOptions, Request } from './request.ts';

const AUTOCANNON = join(PROJECT_ROOT, 'node_modules/autocannon/autocannon.js');

interface Report {
  '2xx': number;
  non2xx: number;
  errors: number;
  duration: number;
  latency: { p50: number; p99: number };
}

function archive(url: string, requests: Request[]): string {
  const entries = requests.map(({ method, path, headers = {}, body }) => ({
    request: {
      method,
      url: url + path,
      headers: Object.entries({
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }).map(([name, value]) => ({ name, value })),
      ...(body === undefined ? {} : { postData: { text: body } }),
    },
  }));
  return JSON.stringify({ log: { entries } });
}

/** @param write writes a temporary file and returns its path. */
export async function runAutocannon(
  url: string,
  requests: Request[],
  { seconds, connections, rate }: LoadOptions,
  write: (name: string, text: string) => string,
): Promise<Load> {
  const flags = [
    ...['--json', '--connections', String(connections), '--duration', String(seconds)],
    ...(rate === undefined ? [] : ['--overallRate', String(rate)]),
    ...['--har', write('requests.har', archive(url, requests))],
  ];
  const [program = '', ...args] = onGeneratorProcessor([process.execPath, AUTOCANNON, ...flags, url]);
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 });
  const report: Report = JSON.parse(stdout);
  return {
    good: report['2xx'],
    other: report.non2xx + report.errors,
    perSecond: report['2xx'] / report.duration,
    p50: report.latency.p50,
    p99: report.latency.p99,
  };
}
