/** Runs a measured server as its own process, on its own CPU where possible. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import { residentMemory } from '../test/support/memory.ts';
import { freePort } from '../test/support/mysql-server.ts';
import { SECRET_KEY } from './database.ts';
import { childrenOf, onServerProcessor, processorTime } from './processors.ts';

/** Both in milliseconds. */
const START_DEADLINE = 60_000;
const STOP_DEADLINE = 15_000;

/** The bench kills these when it exits, however it ends. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export class MeasuredServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /**
   * Resolves when the server listens. @throws when it exits before that.
   * @param file relative to the project. @param pinned whether it runs on one CPU alone, or on all.
   */
  static async start(
    file: string,
    environment: Record<string, string>,
    { pinned }: { pinned: boolean } = { pinned: true },
  ): Promise<MeasuredServer> {
    const port = await freePort();
    const command = [process.execPath, join(PROJECT_ROOT, file)];
    const [program = '', ...args] = pinned ? onServerProcessor(command) : command;
    const { PATH = '', HOME = '/' } = process.env;
    const defaults = {
      PATH,
      HOME,
      PORT: String(port),
      SECRET_KEY,
      LOG_LEVEL: 'warn',
      DOCS: 'false',
      WORKERS: '1',
    };
    const child = spawn(program, args, {
      cwd: PROJECT_ROOT,
      env: { ...defaults, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let output = '';
    const listening = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          if (output.includes('listens on')) resolve();
        });
      }
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${file} ended before it listened: ${output}`)));
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE);
    await listening.finally(() => clearTimeout(deadline));
    // Read and discard later output, because the server would block on a full pipe.
    for (const stream of [child.stdout, child.stderr]) stream?.removeAllListeners('data').resume();
    return new MeasuredServer(child, `http://127.0.0.1:${port}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @returns the CPU time in microseconds. */
  cpu(): number {
    return processorTime(this.pid);
  }

  /** @returns the resident memory of the process and of each worker, in megabytes. */
  memory(): number[] {
    return [this.pid, ...childrenOf(this.pid)].map(residentMemory);
  }

  /** Sends SIGTERM, and SIGKILL after the deadline. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE);
    await exit;
    clearTimeout(deadline);
  }
}
