/** A server that is measured: a process of its own, on a processor of its own where that can be had. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import { SECRET_KEY } from './database.ts';

/** How many times a second the operating system counts a process's time (sysconf _SC_CLK_TCK, the same on every Linux). */
const TICKS = 100;

/** @returns the command, so that it runs on that processor alone, where there is more than one and a way to say so. */
export function pinned(processor: number, command: string[]): string[] {
  const can = availableParallelism() > 1 && existsSync('/usr/bin/taskset');
  return can ? ['/usr/bin/taskset', '-c', String(processor), ...command] : command;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

function memoryOf(pid: string): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return (Number(pages) * 4096) / 1_000_000;
}

export class MeasuredServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param file what to run, relative to the project. @returns it once it listens. @throws when it ends before that. */
  static async start(
    file: string,
    environment: Record<string, string>,
    { processor }: { processor?: number } = { processor: 0 },
  ): Promise<MeasuredServer> {
    const port = await freePort();
    const command = [process.execPath, join(PROJECT_ROOT, file)];
    const [program = '', ...args] = processor === undefined ? command : pinned(processor, command);
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
    return new MeasuredServer(child, `http://127.0.0.1:${port}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @returns the processor time that it has used, in microseconds. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS;
  }

  /** @returns its resident memory, in megabytes. */
  memory(): number {
    return memoryOf(String(this.pid));
  }

  /** @returns the same of it and of each of its workers. */
  memoryOfAll(): number[] {
    const workers = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ');
    return [String(this.pid), ...workers.filter((pid) => pid !== '')].map(memoryOf);
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }
}
