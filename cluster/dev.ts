/**
 * npm run dev: the service with a readable log of every request. It starts anew when a file of the code changes or
 * comes, a new blueprint's folder included, and ends with this process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { join } from 'node:path';
import pretty from 'pino-pretty';
import { PROJECT_ROOT } from '../config/project.ts';
import { whenParentEnds } from './parent.ts';

/** The folders of the code, and the project's own folder without those in it. */
const CODE = ['accounts', 'cluster', 'config', 'db', 'plugins', 'routes', 'schemas', ''];

/** An editor that saves several files, or one in several steps, restarts the service once. In milliseconds. */
const QUIET = 100;

const log = pretty({ singleLine: true, ignore: 'pid,hostname' });

function start(): ChildProcess {
  const child = spawn(process.execPath, ['server.ts'], {
    cwd: PROJECT_ROOT,
    env: { APP_CONFIG_FILE: 'config/development.example.env', ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    // So that the terminal's Ctrl-C reaches it by this process alone: it ends at once at a second signal.
    detached: process.platform !== 'win32',
  });
  child.stdout?.pipe(log, { end: false });
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

let service = start();
let waiting: NodeJS.Timeout | undefined;
// One restart after the other, or two services would run.
let restarted = Promise.resolve();

function restart(): void {
  restarted = restarted.then(async () => {
    await stop(service);
    service = start();
  });
}

for (const folder of CODE)
  watch(join(PROJECT_ROOT, folder), { recursive: folder !== '' }, (_event, file) => {
    if (folder === '' && !file?.endsWith('.ts')) return;
    clearTimeout(waiting);
    waiting = setTimeout(restart, QUIET);
  });

let isEnding = false;

async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  clearTimeout(waiting);
  await restarted;
  await stop(service);
  process.exit();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
whenParentEnds(end);
