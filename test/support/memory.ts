/** Reads what Linux knows about processes. */
import { readdirSync, readFileSync } from 'node:fs';

/** @returns the resident memory in megabytes; it includes the mapped pages of a database file that are in use. */
export function residentMemory(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** @returns how many files, sockets and pipes the process has open. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** @returns the ids of the child processes. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}
