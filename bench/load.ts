/** Runs a load generator as its own process on its own CPU: wrk where it is installed, else autocannon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAutocannon } from './autocannon.ts';
import { installed } from './processors.ts';
import type { Load, LoadOptions, Request } from './request.ts';
import { runWrk } from './wrk.ts';

export const GENERATOR = installed('wrk') ? 'wrk' : 'autocannon';

/** Sends the requests in turn, repeatedly, over several connections. */
export async function load(
  url: string,
  requests: Request | Request[],
  { seconds, connections = 10, rate }: Partial<LoadOptions> & { seconds: number },
): Promise<Load> {
  const all = [requests].flat();
  const [first] = all;
  if (!first) throw new Error('There is no request to send.');
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-load-'));
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const options = { seconds, connections, ...(rate === undefined ? {} : { rate }) };
  try {
    const run = GENERATOR === 'wrk' ? runWrk : runAutocannon;
    return await run(url, all, options, write);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
