/**
 * Which processor does what, so that what is measured is the server and not its neighbours: the server has one for itself,
 * the load generator and the database server share the other. And what a process has used, as Linux counts it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const SERVER = 0;
const GENERATOR = 1;

/** @returns the path of the program where it is installed. */
export function installed(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

const canPin = availableParallelism() > 1 && installed('taskset') !== undefined;

function on(processor: number, command: string[]): string[] {
  return canPin ? ['taskset', '-c', String(processor), ...command] : command;
}

/** @returns the command, so that it runs where the server that is measured does, alone. */
export const onServerProcessor = (command: string[]) => on(SERVER, command);

/** @returns the command, so that it runs beside the server that is measured. */
export const onGeneratorProcessor = (command: string[]) => on(GENERATOR, command);

/** Moves a process that runs already, with all its threads. */
export function moveToGeneratorProcessor(pid: number): void {
  if (canPin) execFileSync('taskset', ['-a', '-p', '-c', String(GENERATOR), String(pid)]);
}

/**
 * Keeps the generator's processor from going to sleep, by work that gives way to any other. On a virtual machine it is the
 * server who pays for waking it: an interrupt for each answer that finds the generator idle, some 8 µs, which a slow server
 * pays for each of its answers and a quick one seldom; so quick and slow could not be compared.
 * @returns what lets it sleep again.
 */
export function keepGeneratorAwake(): () => void {
  if (!canPin || !installed('chrt')) return () => {};
  // It looks itself whether the bench is still there, which may end in any way.
  const loop = `while kill -0 ${process.pid} 2>/dev/null; do :; done`;
  const [program = '', ...args] = onGeneratorProcessor(['chrt', '--idle', '0', 'sh', '-c', loop]);
  const awake = spawn(program, args, { stdio: 'ignore' });
  return () => {
    awake.kill('SIGKILL');
  };
}

/** @returns the processor time that the process has used in all its threads, in microseconds. */
export function processorTime(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const [used = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return Number(used);
  });
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

/**
 * Waits until what is measured has done what was left to do: of requests whose client went away, or of a million rows that were
 * written. @param used gives the processor time so far, in microseconds. @throws when that takes longer than two minutes.
 */
export async function settle(used: () => number): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (let before = used(); performance.now() < deadline; ) {
    await delay(500);
    const now = used();
    // Timers and the like may take their hundredth.
    if (now - before < 5_000) return;
    before = now;
  }
  throw new Error('The server does not come to rest.');
}

/** @returns the processes that it has started. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}
