/** How long it is from the command to the first answer, and how much memory each worker holds then. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import { MeasuredServer } from './server.ts';

export interface StartResult {
  what: string;
  /** From the command to the first answer, in milliseconds. */
  milliseconds: number;
  /** Of each process, the primary first, in megabytes. */
  memory: number[];
}

async function once(what: string, url: string, workers: number): Promise<StartResult> {
  const begin = performance.now();
  const server = await MeasuredServer.start('server.ts', { DATABASE_URL: url, WORKERS: String(workers) }, {});
  const response = await fetch(server.url);
  if (!response.ok) throw new Error(`The first answer was ${response.status}.`);
  const milliseconds = performance.now() - begin;
  const memory = server.memoryOfAll();
  await server.stop();
  return { what, milliseconds, memory };
}

/** @param url an empty database. */
export async function start(url: string): Promise<StartResult[]> {
  rmSync(join(PROJECT_ROOT, 'node_modules/.cache/compile'), { recursive: true, force: true });
  const results = [await once('no database yet, nothing compiled yet, 2 workers', url, 2)];
  for (const workers of [1, 1, 1, 2, 2, 2]) {
    results.push(
      await once(
        `a database that is there, ${workers === 1 ? 'one process' : `${workers} workers`}`,
        url,
        workers,
      ),
    );
  }
  return results;
}
