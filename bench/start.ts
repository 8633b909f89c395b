/** Measures the time from the command to the first response, and each process's memory at that time. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import type { BenchEngine } from './engines.ts';
import { type Line, median } from './figures.ts';
import { ALL } from './processors.ts';
import { MeasuredServer } from './server.ts';

async function measureStart(url: string, workers: number) {
  const begin = performance.now();
  const environment = { DATABASE_URL: url, WORKERS: String(workers), DOCS: 'true', AUTO_MIGRATE: 'true' };
  const server = await MeasuredServer.start('server.ts', environment, ALL);
  const response = await fetch(server.url);
  if (!response.ok) throw new Error(`The first answer was ${response.status}.`);
  const time = performance.now() - begin;
  const memory = server.memory();
  await server.stop();
  return { time, memory };
}

/** Measures a first start, without a database or a compile cache, and then repeated starts. */
export async function start(engine: BenchEngine, { rounds }: { rounds: number }): Promise<Line[]> {
  const url = await engine.makeDatabase();
  rmSync(join(PROJECT_ROOT, 'node_modules/.cache/compile'), { recursive: true, force: true });
  const lines: Line[] = [];
  const measure = async (what: string, workers: number, times: number) => {
    const starts = [];
    for (let round = 0; round < times; round++) starts.push(await measureStart(url, workers));
    const time = median(starts.map(({ time }) => time));
    const memory = starts.find((each) => each.time === time)?.memory ?? [];
    lines.push({
      engine: engine.name,
      what,
      'first answer, ms': Math.round(time),
      'MB of each process': memory.map(Math.round).join(', '),
    });
  };
  await measure('no database yet, nothing compiled yet, 2 workers', 2, 1);
  await measure('a database that is there, 1 worker', 1, rounds);
  await measure('a database that is there, 2 workers', 2, rounds);
  return lines;
}
