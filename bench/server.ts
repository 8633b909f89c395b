/** Runs a measured server as its own process, which ends when the bench does. */
import { join } from 'node:path';
import type { Request } from 'autocannon';
import { PROJECT_ROOT } from '../config/project.ts';
import { childrenOf, residentMemory } from '../test/support/memory.ts';
import { freePort } from '../test/support/mysql-server.ts';
import { Running } from '../test/support/running.ts';
import { load } from './load.ts';
import { SECRET_KEY } from './people.ts';
import { pin, processorTime, SERVER } from './processors.ts';

const DEFAULTS = { SECRET_KEY, LOG_LEVEL: 'warn', DOCS: 'false', WORKERS: '1' };

export class MeasuredServer extends Running {
  url = '';

  /** Resolves when the server listens. @throws when it exits before that. @param file relative to the project. */
  static async start(
    file: string,
    environment: Record<string, string>,
    processors = SERVER,
  ): Promise<MeasuredServer> {
    const port = await freePort();
    const node = [process.execPath, join(PROJECT_ROOT, file)];
    // The service has its own cache of compiled code, not that of the tests.
    const command = ['-u', 'NODE_COMPILE_CACHE', ...pin(processors, node)];
    const all = { PORT: String(port), ...DEFAULTS, ...environment };
    const server = new MeasuredServer(PROJECT_ROOT, 'env', command, all, 'ignore');
    server.url = `http://127.0.0.1:${port}`;
    await server.says('that it listens', (stdout) => stdout.includes('listens on') || undefined);
    return server;
  }

  /** @returns the CPU time of the process and its workers in microseconds. */
  cpu(): number {
    return this.#processes()
      .map(processorTime)
      .reduce((sum, each) => sum + each, 0);
  }

  /** Sends as many requests as it answers. @returns its CPU time for each answer, in microseconds. */
  async costOf(requests: Request[], seconds: number, used = () => this.cpu()): Promise<number> {
    const before = used();
    const { answers } = await load(this.url, requests, seconds);
    return (used() - before) / answers;
  }

  /** @returns the resident memory of the process and of each worker, in megabytes. */
  memory(): number[] {
    return this.#processes().map(residentMemory);
  }

  #processes(): number[] {
    return [this.pid, ...childrenOf(this.pid)];
  }

  /** Ends it by SIGTERM: a killed process keeps none of the code that it has compiled. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exit;
  }
}
