/**
 * Real processes for tests: a fresh copy of the project, servers that are started in it, and commands that are run to
 * their end. Everything that is started leads a process group of its own, so that nothing of it outlives its test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

/** Where this project lies. What is run here must be given a database elsewhere. */
export const PROJECT = dirname(dirname(import.meta.dirname));
/** What git does not track. */
const UNTRACKED = /^(node_modules|data|\.git|\.tap|config\/(?!.*\.example\.env$).*\.env)$/;
/** How long anything may take that is waited for, in milliseconds. */
const DEADLINE = 25_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

type Environment = Record<string, string>;

/** @returns an empty folder that is removed when the test ends. */
export function makeFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns a folder with the project as a clone would have it, and the packages that are installed here. */
export function copyProject(t: Test): string {
  const folder = join(makeFolder(t), 'project');
  cpSync(PROJECT, folder, {
    recursive: true,
    filter: (source) => !UNTRACKED.test(relative(PROJECT, source).replaceAll('\\', '/')),
  });
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

/** @returns the environment of a process: nothing of this one's settings, and Node 24 for whoever asks for node. */
export function cleanEnvironment(environment: Environment = {}): Environment {
  const { PATH = '', HOME = tmpdir() } = process.env;
  return {
    PATH: `${dirname(process.execPath)}${delimiter}${PATH}`,
    HOME,
    // Where the service keeps compiled code, too; it saves each process much of its start.
    NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
    PORT: '0',
    ...environment,
  };
}

/** Groups that may still have a process. */
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) killGroup(group);
});

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
  groups.delete(group);
}

/** @returns whether there is a process of that id; one that has ended, but was not yet asked for its exit, counts as gone. */
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

/** Asks again and again for a state that tells nobody when it is reached. @throws when that takes too long. */
export async function until<Found>(
  what: string,
  find: () => Found | undefined | Promise<Found | undefined>,
  patience = DEADLINE,
): Promise<Found> {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await delay(20)) {
    const found = await find();
    if (found !== undefined) return found;
  }
  throw new Error(`This did not come about within ${patience} ms: ${what}`);
}

/** A process with what it writes. */
export class Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly output = { stdout: '', stderr: '' };
  /** Settles when the process has ended and all that it wrote has been read. */
  readonly exit: Promise<Exit>;

  constructor(
    folder: string,
    command: string,
    args: string[],
    environment: Environment,
    stdin: 'pipe' | 'ignore',
  ) {
    const env = cleanEnvironment(environment);
    // By way of `env`, which becomes the command: tap would load half a second of its own into every process.
    const bare = ['-u', 'NODE_OPTIONS', command, ...args];
    const child = spawn('env', bare, { cwd: folder, env, detached: true, stdio: [stdin, 'pipe', 'pipe'] });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stderr += text;
    });
    this.child = child;
    this.pid = child.pid ?? 0;
    if (this.pid > 0) groups.add(this.pid);
    this.exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    // Whoever waits for it gets the error; nobody has to.
    this.exit.catch(() => {});
  }

  /** Waits until something can be found in what the process has written. @throws when it ends, or takes too long. */
  async says<Found>(what: string, find: (stdout: string) => Found | undefined): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const look = () => {
      const found = find(this.output.stdout);
      if (found !== undefined) resolve(found);
    };
    const giveUp = (why: string) =>
      reject(new Error(`${why} before it said ${what}:\n${this.output.stdout}${this.output.stderr}`));
    const timer = setTimeout(() => giveUp(`${DEADLINE} ms went by`), DEADLINE);
    this.child.stdout?.on('data', look);
    this.exit.then(
      () => giveUp('The process ended'),
      (error) => reject(error),
    );
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.child.stdout?.off('data', look);
    }
  }

  kill(): void {
    if (this.pid > 0) killGroup(this.pid);
  }
}

/** A line of the service's log. */
export interface LogLine {
  pid: number;
  msg: string;
  [more: string]: unknown;
}

function isLogLine(value: unknown): value is LogLine {
  return typeof value === 'object' && value !== null && 'pid' in value && 'msg' in value;
}

export class Server extends Running {
  url = '';

  /** @returns the lines of its log so far. */
  log(stdout = this.output.stdout): LogLine[] {
    const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
    return lines
      .filter((line) => line.startsWith('{'))
      .map((line): unknown => JSON.parse(line))
      .filter(isLogLine);
  }

  /** Waits until so many lines of the log have that message. @returns them. */
  logs(message: string, count = 1): Promise<LogLine[]> {
    return this.says(`${message}, ${count} times`, (stdout) => {
      const found = this.log(stdout).filter(({ msg }) => msg.startsWith(message));
      return found.length >= count ? found : undefined;
    });
  }

  /** @returns the ids of the processes that have served so far, the oldest first. */
  serving(): number[] {
    return [
      ...new Set(
        this.log()
          .filter(({ msg }) => msg.startsWith('Server listening'))
          .map(({ pid }) => pid),
      ),
    ];
  }

  /** Stops it, or kills it when that takes too long. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    return this.ended();
  }

  /** Waits for its end, and kills it when that takes too long. */
  async ended(patience = DEADLINE): Promise<Exit> {
    const timer = setTimeout(() => this.kill(), patience);
    try {
      return await this.exit;
    } finally {
      clearTimeout(timer);
    }
  }
}

export interface ServerOptions {
  /** A copy of the project, where that is needed. */
  folder?: string;
  environment?: Environment;
  args?: string[];
}

/** Starts the service, on a free port unless another is given. @returns it once it listens. */
export async function startServer(
  t: Test,
  { folder = PROJECT, environment = {}, args = [] }: ServerOptions,
): Promise<Server> {
  const server = new Server(folder, process.execPath, ['server.ts', ...args], environment, 'ignore');
  t.teardown(async () => {
    server.kill();
    await server.exit;
  });
  server.url = await server.says('where it listens', (stdout) => / listens on (http:\S+),/.exec(stdout)?.[1]);
  return server;
}

/** Runs a command to its end, with nothing or the given text on its standard input. */
export async function run(
  folder: string,
  command: string,
  args: string[],
  { environment = {}, input = '' }: { environment?: Environment; input?: string } = {},
): Promise<Result> {
  const running = new Running(folder, command, args, environment, 'pipe');
  // A command that ends without reading its input is no fault of the test.
  running.child.stdin?.on('error', () => {}).end(input);
  // First so that it can clean up after itself.
  const timers = [
    setTimeout(() => running.child.kill('SIGTERM'), DEADLINE),
    setTimeout(() => running.kill(), DEADLINE + 3_000),
  ];
  try {
    const { code } = await running.exit;
    return { code, ...running.output };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    running.kill();
  }
}

/** Runs the service where it is expected not to start. */
export function runServer(environment: Environment, args: string[] = [], folder = PROJECT): Promise<Result> {
  return run(folder, process.execPath, ['server.ts', ...args], { environment });
}

/** Runs one of the operator's commands. */
export function manage(
  args: string[],
  { folder = PROJECT, ...options }: { folder?: string; environment?: Environment; input?: string } = {},
): Promise<Result> {
  return run(folder, process.execPath, ['manage.ts', ...args], options);
}
