/** Runs wrk. A Lua script gives it the requests and prints its figures as JSON. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onGeneratorProcessor } from './processors.ts';
import type { Load, LoadOptions, Request } from './request.ts';

/** Quotes a Lua string. For ASCII, Lua's escapes are those of JSON. */
const lua = (text: string) => JSON.stringify(text);

function format({ method, path, headers = {}, body }: Request): string {
  const all = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const pairs = Object.entries(all).map(([name, value]) => `[${lua(name)}] = ${lua(value)}`);
  return `wrk.format(${lua(method)}, ${lua(path)}, {${pairs.join(', ')}}, ${body === undefined ? 'nil' : lua(body)})`;
}

function script(requests: Request[], { rate, connections }: LoadOptions): string {
  // wrk has no rate limit, so each connection pauses before each request. Equal pauses would make all connections send
  // at the same time; random ones imitate independent users (a Poisson process).
  const mean = rate === undefined ? 0 : (connections / rate) * 1000;
  const pause = mean === 0 ? '' : `delay = function() return -math.log(1 - math.random()) * ${mean} end`;
  return `
local requests, at = {}, 0
init = function()
${requests.map((request) => `  requests[#requests + 1] = ${format(request)}`).join('\n')}
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
${pause}
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"status":%d,"failed":%d,"microseconds":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
`;
}

interface Summary {
  requests: number;
  /** Responses with a status of 400 and above. */
  status: number;
  failed: number;
  microseconds: number;
  p50: number;
  p99: number;
}

/** @param write writes a temporary file and returns its path. */
export async function runWrk(
  url: string,
  requests: Request[],
  options: LoadOptions,
  write: (name: string, text: string) => string,
): Promise<Load> {
  const [first] = requests;
  const file = write('requests.lua', script(requests, options));
  const { seconds, connections } = options;
  const flags = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`];
  const [program = '', ...args] = onGeneratorProcessor(['wrk', ...flags, '--script', file, url]);
  // wrk would count 3xx as success.
  await refuseRedirection(url, first);
  const { stdout } = await promisify(execFile)(program, args);
  const summary: Summary = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1));
  const good = summary.requests - summary.status;
  return {
    good,
    other: summary.status + summary.failed,
    perSecond: good / (summary.microseconds / 1e6),
    p50: summary.p50 / 1000,
    p99: summary.p99 / 1000,
  };
}

async function refuseRedirection(url: string, request: Request | undefined): Promise<void> {
  if (!request) return;
  const { method, path, headers = {}, body } = request;
  const { status } = await fetch(url + path, {
    ...{ method, redirect: 'manual' },
    ...(body === undefined
      ? { headers }
      : { headers: { ...headers, 'content-type': 'application/json' }, body }),
  });
  if (status >= 300 && status < 400) throw new Error(`${request.path} was answered with ${status}.`);
}
