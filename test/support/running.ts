/** Starts processes in tests and waits for their output or their end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The longest time that tests wait for anything, in milliseconds. */
export const DEADLINE = 120_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export type Environment = Record<string, string>;

/** The cache of compiled code that the service uses, too; it makes each process start faster. */
export const COMPILE_CACHE = join(tmpdir(), 'node-compile-cache');

/** @returns the environment of a process: none of the settings of this process, and `node` is the same Node. */
function cleanEnvironment(folder: string, environment: Environment): Environment {
  const { PATH = '', HOME = tmpdir(), NODE_DISABLE_COMPILE_CACHE } = process.env;
  const besideCopy = join(dirname(folder), 'node-compile-cache');
  return {
    PATH: `${dirname(process.execPath)}${delimiter}${PATH}`,
    HOME,
    NODE_COMPILE_CACHE: existsSync(besideCopy) ? besideCopy : COMPILE_CACHE,
    // Files are known by their paths from the cache.
    NODE_COMPILE_CACHE_PORTABLE: '1',
    // What ran in code from the cache is known by functions only, so `npm run coverage` turns it off.
    ...(NODE_DISABLE_COMPILE_CACHE ? { NODE_DISABLE_COMPILE_CACHE } : {}),
    PORT: '0',
    ...environment,
  };
}

/** The process groups that may still have a process. */
const groups = new Set<number>();

/** Keeps the last line that it reads, the groups, and kills them when its input ends. */
const WATCH = 'while read -r line; do groups=$line; done; for group in $groups; do kill -9 "-$group"; done';

let watcher: ChildProcess | undefined;

/** Tells the groups to a watcher that kills them when this process ends in any way, by a signal as well: its input ends then. */
function watchGroups(): void {
  if (!watcher) {
    watcher = spawn('sh', ['-c', WATCH], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    watcher.on('error', () => {}).unref();
    watcher.stdin?.on('error', () => {});
  }
  watcher.stdin?.write(`${[...groups].join(' ')}\n`);
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // The group has no process any more.
  }
  if (groups.delete(group)) watchGroups();
}

/** @returns whether that process runs. A zombie, whose parent has not yet read its exit, does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** Polls until `find` returns a value. @throws when that takes longer than the timeout. */
export async function until<Found>(
  what: string,
  find: () => Found | undefined | Promise<Found | undefined>,
  timeout = DEADLINE,
): Promise<Found> {
  for (const deadline = Date.now() + timeout; Date.now() < deadline; await delay(20)) {
    const found = await find();
    if (found !== undefined) return found;
  }
  throw new Error(`Timeout of ${timeout} ms: ${what}`);
}

/** A running process and its output. It leads its own process group, so that nothing of it outlives its test. */
export class Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly output = { stdout: '', stderr: '' };
  /** Settles when the process has ended and its output has been read. */
  readonly exit: Promise<Exit>;

  constructor(
    folder: string,
    command: string,
    args: string[],
    environment: Environment,
    stdin: 'pipe' | 'ignore',
  ) {
    const env = cleanEnvironment(folder, environment);
    // `env` removes NODE_OPTIONS, with which tap adds half a second to the start of every process.
    const commandLine = ['-u', 'NODE_OPTIONS', command, ...args];
    const child = spawn('env', commandLine, {
      cwd: folder,
      env,
      detached: true,
      stdio: [stdin, 'pipe', 'pipe'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stderr += text;
    });
    this.child = child;
    this.pid = child.pid ?? 0;
    if (this.pid > 0) {
      groups.add(this.pid);
      watchGroups();
    }
    this.exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    // Prevents an unhandled rejection when no test waits for the exit.
    this.exit.catch(() => {});
  }

  /** Waits until `find` returns a value for the standard output. @throws when the process ends first, or after the deadline. */
  async says<Found>(what: string, find: (stdout: string) => Found | undefined): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const check = () => {
      const found = find(this.output.stdout);
      if (found !== undefined) resolve(found);
    };
    const fail = (reason: string) =>
      reject(new Error(`${reason} before it printed ${what}:\n${this.output.stdout}${this.output.stderr}`));
    const timer = setTimeout(() => fail(`${DEADLINE} ms passed`), DEADLINE);
    this.child.stdout?.on('data', check);
    this.exit.then(
      () => fail('The process ended'),
      (error) => reject(error),
    );
    check();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.child.stdout?.off('data', check);
    }
  }

  kill(): void {
    if (this.pid > 0) killGroup(this.pid);
  }
}
