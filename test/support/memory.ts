/** Measures the memory of a process on Linux. */
import { readFileSync } from 'node:fs';

/** @returns the resident memory in megabytes; it includes the mapped pages of a database file that are in use. */
export function residentMemory(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}
