/** How long it is from the command to the first answer, and how much memory each process holds then. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import type { BenchEngine } from './engines.ts';
import { MeasuredServer } from './server.ts';

export interface StartResult {
  engine: BenchEngine['name'];
  what: string;
  /** From the command to the first answer, in milliseconds. */
  milliseconds: number;
  /** Of each process, the primary first, in megabytes. */
  memory: number[];
}

async function once(url: string, workers: number): Promise<Pick<StartResult, 'milliseconds' | 'memory'>> {
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

/** Starts the service as it is for the first time, and then again and again. */
export async function start(engine: BenchEngine, rounds: number): Promise<StartResult[]> {
  const url = await engine.makeDatabase();
  rmSync(join(PROJECT_ROOT, 'node_modules/.cache/compile'), { recursive: true, force: true });
  const what = 'no database yet, nothing compiled yet, 2 workers';
  const results: StartResult[] = [{ engine: engine.name, what, ...(await once(url, 2)) }];
  for (const workers of [1, 2]) {
    const again: Pick<StartResult, 'milliseconds' | 'memory'>[] = [];
    for (let round = 0; round < rounds; round++) again.push(await once(url, workers));
    const [middle] = again.toSorted((a, b) => a.milliseconds - b.milliseconds).slice(Math.floor(rounds / 2));
    const kind = workers === 1 ? 'one process' : `${workers} workers`;
    if (middle) results.push({ engine: engine.name, what: `a database that is there, ${kind}`, ...middle });
  }
  return results;
}
