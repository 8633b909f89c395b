/**
 * Pins processes to CPUs and reads their CPU time. A measured server has a CPU of its own, so that the bench, which
 * generates the load, and the database server, which share another, do not disturb it.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export const SERVER = '0';
const BENCH = '1';
/** Counted before the bench moves to one of them. */
export const ALL = `0-${availableParallelism() - 1}`;

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** @returns the command that runs that command on these CPUs alone, where that can be. */
export const pin = (processors: string, command: string[]) =>
  canPin ? ['taskset', '-c', processors, ...command] : command;

/**
 * Moves this process with all its threads. Processes that it starts from then on, as the database server, stay there. A
 * busy loop of the lowest priority keeps that CPU awake: on a virtual machine the server pays for waking an idle one,
 * and a slow server pays for that more often than a fast one. The loop ends by itself when the bench does.
 */
export function moveBench(): void {
  if (!canPin) return;
  execFileSync('taskset', ['-a', '-p', '-c', BENCH, String(process.pid)]);
  const loop = `while kill -0 ${process.pid} 2>/dev/null; do :; done`;
  const busy = spawn('chrt', ['--idle', '0', 'sh', '-c', loop], { stdio: 'ignore' });
  // Without chrt, the bench goes on without the loop.
  busy.on('error', () => {}).unref();
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
 * @param used returns its CPU time in microseconds.
 */
export async function settle(used: () => number): Promise<void> {
  let before: number;
  do {
    before = used();
    await delay(500);
    // The timers of a service use up to 8 % of a slow processor.
  } while (used() - before > 75_000);
}
