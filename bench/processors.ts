/**
 * Pins processes to CPUs and reads their CPU time. The server has a CPU of its own, so that the load generator and the
 * database server, which share another, do not disturb it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const SERVER = 0;
const GENERATOR = 1;

/** @returns the program's path, or undefined when it is not installed. */
export function installed(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

const canPin = availableParallelism() > 1 && installed('taskset') !== undefined;

function pinTo(processor: number, command: string[]): string[] {
  return canPin ? ['taskset', '-c', String(processor), ...command] : command;
}

export const onServerProcessor = (command: string[]) => pinTo(SERVER, command);

export const onGeneratorProcessor = (command: string[]) => pinTo(GENERATOR, command);

/** Moves a running process with all its threads. */
export function moveToGeneratorProcessor(pid: number): void {
  if (canPin) execFileSync('taskset', ['-a', '-p', '-c', String(GENERATOR), String(pid)]);
}

/**
 * Keeps the generator's CPU awake by a busy loop of the lowest priority. On a virtual machine the server pays for
 * waking an idle CPU, and a slow server pays for that more often than a fast one, which would distort the comparison.
 * @returns a function that stops the loop.
 */
export function keepGeneratorAwake(): () => void {
  if (!canPin || !installed('chrt')) return () => {};
  // The loop ends by itself when the bench is killed.
  const loop = `while kill -0 ${process.pid} 2>/dev/null; do :; done`;
  const [program = '', ...args] = onGeneratorProcessor(['chrt', '--idle', '0', 'sh', '-c', loop]);
  const busyLoop = spawn(program, args, { stdio: 'ignore' });
  return () => {
    busyLoop.kill('SIGKILL');
  };
}

/** @returns the CPU time of all threads of the process, in microseconds. */
export function processorTime(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [used = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(used);
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

/**
 * Waits until a server is idle: it may still work for disconnected clients or on earlier writes.
 * @param used returns its CPU time in microseconds. @throws when the server does not become idle.
 */
export async function settle(used: () => number): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (let before = used(); performance.now() < deadline; ) {
    await delay(500);
    const now = used();
    // Timers may use a little.
    if (now - before < 5_000) return;
    before = now;
  }
  throw new Error('The server does not become idle.');
}

/** @returns the ids of the child processes. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}
