/** Measures the time from the command to the first response, and each process's memory at that time. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import type { BenchEngine } from './engines.ts';
import { MeasuredServer } from './server.ts';

export interface StartResult {
  engine: BenchEngine['name'];
  what: string;
  milliseconds: number;
  /** In megabytes, of each process, the primary first. */
  memory: number[];
}

async function measureStart(
  url: string,
  workers: number,
): Promise<Pick<StartResult, 'milliseconds' | 'memory'>> {
  const begin = performance.now();
  const environment = { DATABASE_URL: url, WORKERS: String(workers), DOCS: 'true', AUTO_MIGRATE: 'true' };
  const server = await MeasuredServer.start('server.ts', environment, { pinned: false });
  const response = await fetch(server.url);
  if (!response.ok) throw new Error(`The first answer was ${response.status}.`);
  const milliseconds = performance.now() - begin;
  const memory = server.memory();
  await server.stop();
  return { milliseconds, memory };
}

/** Measures a first start, without a database or a compile cache, and then repeated starts. */
export async function start(engine: BenchEngine, rounds: number): Promise<StartResult[]> {
  const url = await engine.makeDatabase();
  rmSync(join(PROJECT_ROOT, 'node_modules/.cache/compile'), { recursive: true, force: true });
  const what = 'no database yet, nothing compiled yet, 2 workers';
  const results: StartResult[] = [{ engine: engine.name, what, ...(await measureStart(url, 2)) }];
  for (const workers of [1, 2]) {
    const again: Pick<StartResult, 'milliseconds' | 'memory'>[] = [];
    for (let round = 0; round < rounds; round++) again.push(await measureStart(url, workers));
    const [middle] = again.toSorted((a, b) => a.milliseconds - b.milliseconds).slice(Math.floor(rounds / 2));
    const kind = workers === 1 ? 'one process' : `${workers} workers`;
    if (middle) results.push({ engine: engine.name, what: `a database that is there, ${kind}`, ...middle });
  }
  return results;
}
