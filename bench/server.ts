/** A server that is measured: a process of its own, on a processor of its own where that can be had. */
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

/** What runs still: however the bench ends, it leaves nothing behind. */
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
   * @param file what to run, relative to the project. @param pinned whether it is to have one processor alone, or all.
   * @returns it once it listens. @throws when it ends before that.
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
    const given = {
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
      env: { ...given, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let said = '';
    const listening = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (said.includes('listens on')) resolve();
        });
      }
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${file} ended before it listened: ${said}`)));
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), START_DEADLINE);
    await listening.finally(() => clearTimeout(deadline));
    // What it says from now on is read, or it would wait for that, and forgotten.
    for (const stream of [child.stdout, child.stderr]) stream?.removeAllListeners('data').resume();
    return new MeasuredServer(child, `http://127.0.0.1:${port}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @returns the processor time that it has used, in microseconds. */
  cpu(): number {
    return processorTime(this.pid);
  }

  /** @returns its resident memory, and that of each of its workers, in megabytes. */
  memory(): number[] {
    return [this.pid, ...childrenOf(this.pid)].map(residentMemory);
  }

  /** Stops it as an operator would, and kills it if that does not help. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const deadline = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE);
    await exit;
    clearTimeout(deadline);
  }
}
