/** A server that is measured: a process of its own, on a processor of its own where that can be had. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import { freePort } from '../test/support/mysql-server.ts';
import { SECRET_KEY } from './database.ts';
import { childrenOf, onServerProcessor, processorTime, residentMemory } from './processors.ts';

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
    let said = '';
    const listening = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (said.includes('listens on')) resolve();
        });
      }
      child.once('exit', () => reject(new Error(`${file} ended before it listened: ${said}`)));
    });
    await listening;
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

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }
}
