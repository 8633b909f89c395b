/** Runs the service and its commands as processes, in the project or in a copy of it. */
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import type { Test } from 'tap';
import type * as Program from '../../manage/program.ts';
import type { Output } from '../../manage/terminal.ts';
import { COMPILE_CACHE, DEADLINE, type Environment, type Exit, Running } from './running.ts';
import { makeCodeFolder, makeTemporaryFolder } from './temporary.ts';
import './threads.ts';

/** The folder of this project. Processes that run in it must get a database elsewhere. */
export const PROJECT = dirname(dirname(import.meta.dirname));
/** The files that git does not track. */
const UNTRACKED = /^(node_modules|data|\.git|\.tap|config\/(?!.*\.example\.env$).*\.env)$/;

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @returns an empty folder that is removed when the test ends. */
export function makeFolder(t: Test): string {
  const folder = makeTemporaryFolder('rollcall-test-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns a folder with a copy of the project, as git would clone it, and a link to the installed packages. */
export function copyProject(t: Test): string {
  const place = makeCodeFolder('rollcall-test-copy');
  t.teardown(() => rmSync(place, { recursive: true, force: true }));
  const folder = join(place, 'project');
  cpSync(PROJECT, folder, {
    recursive: true,
    filter: (source) => !UNTRACKED.test(relative(PROJECT, source).replaceAll('\\', '/')),
  });
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  // At the same place beside each copy, so that Node finds what another copy has compiled.
  mkdirSync(COMPILE_CACHE, { recursive: true });
  symlinkSync(COMPILE_CACHE, join(place, 'node-compile-cache'), 'junction');
  return folder;
}

/** Runs git in the folder, for someone. @throws {Error} when it fails. */
export async function git(folder: string, ...args: string[]): Promise<void> {
  const who = ['-c', 'user.name=A developer', '-c', 'user.email=developer@example.org'];
  const { code, stderr } = await run(folder, 'git', [...who, ...args]);
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed: ${stderr}`);
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

/** The levels of a log that does not tell that a worker listens. */
const NEEDS_ATTENTION = /^(warn|error|fatal|silent)$/;

export class Server extends Running {
  url = '';

  /** Waits until it listens. */
  async listens(): Promise<this> {
    this.url = await this.says('its address', (stdout) => / listens on (http:\S+),/.exec(stdout)?.[1]);
    return this;
  }

  /** The one that it has chosen. Commands find the service by it, as PORT. */
  get port(): string {
    return new URL(this.url).port;
  }

  /** @returns the lines of the log so far. */
  log(stdout = this.output.stdout): LogLine[] {
    const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
    return lines
      .filter((line) => line.startsWith('{'))
      .map((line): unknown => JSON.parse(line))
      .filter(isLogLine);
  }

  /** Waits for so many lines of the log that start with the message. @returns these lines. */
  logs(message: string, count = 1): Promise<LogLine[]> {
    return this.says(`${message}, ${count} times`, (stdout) => {
      const found = this.log(stdout).filter(({ msg }) => msg.startsWith(message));
      return found.length >= count ? found : undefined;
    });
  }

  /** @returns the ids of all processes that have listened so far, oldest first. */
  serving(): number[] {
    return [
      ...new Set(
        this.log()
          .filter(({ msg }) => msg.startsWith('Server listening'))
          .map(({ pid }) => pid),
      ),
    ];
  }

  /** Stops the server; kills it when that takes too long. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    return this.ended();
  }

  /** Waits until the server has ended; kills it when that takes too long. */
  async ended(timeout = DEADLINE): Promise<Exit> {
    const timer = setTimeout(() => this.kill(), timeout);
    try {
      return await this.exit;
    } finally {
      clearTimeout(timer);
    }
  }
}

export interface ServerOptions {
  /** The folder of the code, if it is a copy of the project. */
  folder?: string;
  environment?: Environment;
  args?: string[];
  /** What starts Node. */
  command?: string[];
}

/** Starts the service, on a free port by default. @returns the server once it listens. */
export async function startServer(t: Test, options: ServerOptions): Promise<Server> {
  const server = launchServer(options);
  t.teardown(async () => {
    server.kill();
    await server.exit;
  });
  await server.listens();
  // What each worker logs when it listens may come later.
  const workers = / with (\d+) worker/.exec(server.output.stdout)?.[1];
  if (!NEEDS_ATTENTION.test(options.environment?.LOG_LEVEL ?? ''))
    await server.logs('Server listening', Number(workers));
  return server;
}

/** Starts the service outside of a test. It ends with this process. @returns the server at once. */
export function launchServer(options: ServerOptions): Server {
  const { folder = PROJECT, environment = {}, args = [], command = [] } = options;
  const [program = '', ...more] = [...command, process.execPath, 'server.ts', ...args];
  return new Server(folder, program, more, environment, 'ignore');
}

/** What a command reads from its standard input. */
type Input = string | Uint8Array;

/** Runs a command to its end, with `input` on its standard input. It is stopped after `deadline` milliseconds. */
export async function run(
  folder: string,
  command: string,
  args: string[],
  {
    environment = {},
    input = '',
    deadline = DEADLINE,
  }: { environment?: Environment; input?: Input; deadline?: number } = {},
): Promise<Result> {
  const running = new Running(folder, command, args, environment, 'pipe');
  // Ignores the error when the command ends without reading its input.
  running.child.stdin?.on('error', () => {}).end(input);
  // SIGTERM comes first, so that the command can clean up.
  const timers = [
    setTimeout(() => running.child.kill('SIGTERM'), deadline),
    setTimeout(() => running.kill(), deadline + 3_000),
  ];
  try {
    const { code } = await running.exit;
    return { code, ...running.output };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    running.kill();
  }
}

/** Runs the service when it is expected not to start. One worker suffices: all of them wait until the primary has prepared the start. */
export function runServer(environment: Environment, args: string[] = [], folder = PROJECT): Promise<Result> {
  const options = { environment: { WORKERS: '1', ...environment } };
  return run(folder, process.execPath, ['server.ts', ...args], options);
}

interface CommandOptions {
  environment?: Environment;
  input?: Input;
  /** Where the command writes, if it is not to be collected. */
  stdout?: Output;
  stderr?: Output;
  /** Whether the input is typed at a terminal. */
  isTTY?: boolean;
  /** The folder of the code, if it is a copy of the project. */
  folder?: string;
}

/** Runs a management command in this process, which takes a tenth of the time of one of its own. Code is loaded once. */
export async function manage(
  args: string[],
  { environment = {}, input = '', isTTY = false, folder = PROJECT, ...outputs }: CommandOptions = {},
): Promise<Result> {
  const { manage: runCommand }: typeof Program = await import(join(folder, 'manage/program.ts'));
  const result = { stdout: '', stderr: '' };
  const into = (name: keyof typeof result) => ({
    write: (text: string) => {
      result[name] += text;
    },
  });
  const code = await runCommand(args, {
    environment,
    stdin: Object.assign(Readable.from([Buffer.from(input)]), { isTTY }),
    stdout: into('stdout'),
    stderr: into('stderr'),
    ...outputs,
  });
  return { code, ...result };
}

/** Runs a management command as people do, as a process: where processes, signals or what the system gives them matter. */
export function manageProcess(
  args: string[],
  { folder = PROJECT, ...options }: CommandOptions = {},
): Promise<Result> {
  return run(folder, process.execPath, ['manage.ts', ...args], options);
}
