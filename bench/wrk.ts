/** wrk, told by a script in Lua what to send, and asked by the same for its figures. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onGeneratorProcessor } from './processors.ts';
import type { Load, LoadOptions, Request } from './request.ts';

/** @returns the text as one in Lua, whose escapes are those of JSON as long as all characters are in ASCII. */
const lua = (text: string) => JSON.stringify(text);

function format({ method, path, headers = {}, body }: Request): string {
  const all = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const pairs = Object.entries(all).map(([name, value]) => `[${lua(name)}] = ${lua(value)}`);
  return `wrk.format(${lua(method)}, ${lua(path)}, {${pairs.join(', ')}}, ${body === undefined ? 'nil' : lua(body)})`;
}

function script(requests: Request[], { rate, connections }: LoadOptions): string {
  // wrk has no rate of its own: each connection waits before each of its requests, as long as chance will have it. Were all
  // pauses the same, then two hundred connections would ask all at once, and again all at once after each pause: a few
  // such blows a second and nothing between them, where people come one by one, at any moment (a Poisson process).
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
  /** Answers of 400 and above. */
  status: number;
  failed: number;
  microseconds: number;
  p50: number;
  p99: number;
}

/** @param write writes a file of that name and text. @returns what came of it. */
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
  // wrk counts an answer of 3xx as good.
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
