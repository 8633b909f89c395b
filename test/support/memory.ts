/** What a process holds, as Linux counts it. */
import { readFileSync } from 'node:fs';

/** @returns its resident memory, in megabytes; what of a database's file is mapped and in use is in it, too. */
export function residentMemory(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}
