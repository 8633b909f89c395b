/** Starts a MySQL or MariaDB server for tests, in a temporary folder and on a free port. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { until } from './running.ts';
import { makeTemporaryFolder } from './temporary.ts';

const FOLDERS = [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/local/mysql/bin',
  '/opt/homebrew/bin',
];
/** How long a server may take to start, in milliseconds. */
const START_DEADLINE = 60_000;

const WATCH = 'pid=; while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; rm -rf "$1"';

function find(...programs: string[]): string | undefined {
  return FOLDERS.flatMap((folder) => programs.map((name) => join(folder, name))).find((path) =>
    existsSync(path),
  );
}

/** @returns the path of the server's program, or undefined when none is installed. */
export function findServer(): string | undefined {
  return find('mariadbd', 'mysqld');
}

export class MysqlServer {
  readonly folder = makeTemporaryFolder('rollcall-mysql-');
  port = 0;
  #process: ChildProcess | undefined;
  #watcher: ChildProcess | undefined;
  readonly #flags: string[];
  readonly #account: string;

  /** @param flags for the server, besides those for its folder and port. @param account which runs the server if root runs the tests. */
  constructor(flags: string[] = [], account = 'root') {
    this.#flags = flags;
    this.#account = account;
  }

  /** The process id of the server; 0 before the first start. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  /**
   * Starts the server; after a kill, on the same port and data as before. @param more flags for this start only.
   * @returns when the server answers.
   */
  async start(more: string[] = []): Promise<void> {
    const program = findServer();
    if (!program) throw new Error('No MySQL or MariaDB server is installed.');
    // Each server has its own folder for temporary files; servers remove each other's files in a shared one.
    const folders = ['--no-defaults', `--datadir=${join(this.folder, 'data')}`, `--tmpdir=${this.folder}`];
    const user = process.getuid?.() === 0 ? [`--user=${this.#account}`] : [];
    if (this.port === 0) {
      this.port = await freePort();
      const install = find('mariadb-install-db', 'mysql_install_db');
      if (install && program.endsWith('mariadbd')) {
        await promisify(execFile)(install, [
          ...folders,
          ...user,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
        ]);
      } else {
        await promisify(execFile)(program, [...folders, ...user, '--initialize-insecure']);
      }
    }
    const socket = join(this.folder, 'socket');
    this.#process = spawn(
      program,
      [
        ...folders,
        ...user,
        `--socket=${socket}`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        `--pid-file=${join(this.folder, 'pid')}`,
        '--innodb-buffer-pool-size=64M',
        ...this.#flags,
        ...more,
      ],
      { stdio: 'ignore' },
    );
    this.#notifyWatcher(this.#process);
    await this.#waitUntilReady(this.#process);
  }

  /**
   * Starts a watcher that kills the server and removes its folder when this process ends in any way, because the input of
   * the watcher ends then. Sends it the process id of the server, and an empty line when the server has ended.
   */
  #notifyWatcher(server: ChildProcess): void {
    this.#watcher ??= spawn('sh', ['-c', WATCH, 'sh', this.folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const { stdin } = this.#watcher;
    this.#watcher.on('error', () => {}).unref();
    stdin?.on('error', () => {}).write(`${server.pid}\n`);
    server.once('exit', () => stdin?.write('\n'));
  }

  async #waitUntilReady(server: ChildProcess): Promise<void> {
    const connect = async () => {
      try {
        return await mysql.createConnection(this.url);
      } catch (error) {
        if (server.exitCode !== null) throw error;
        return undefined;
      }
    };
    const connection = await until('the MySQL server answers', connect, START_DEADLINE);
    await connection.end();
  }

  /** Sends the server a signal. @returns when the server has ended, or at once for SIGSTOP and SIGCONT. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const server = this.#process;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended;
  }

  /** Ends the server and removes its data. */
  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @returns a free TCP port of this host. */
export function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer().on('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() =>
      typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
    );
  });
  return promise;
}
