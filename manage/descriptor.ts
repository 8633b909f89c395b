/** Writes to a descriptor of the process at once. A stream of Node tells of a failure later, when what was made for it counts already. */
import { writeSync } from 'node:fs';
import { codeOf } from '../config/errors.ts';
import type { Output } from './terminal.ts';

/** How long to wait for a reader that is slow, in milliseconds, before the next try. */
const PAUSE = 10;

/** @returns the output to that descriptor. */
export function toDescriptor(descriptor: number): Output {
  return {
    descriptor,
    write(text) {
      const bytes = Buffer.from(text);
      for (let written = 0; written < bytes.length; ) written += writeSome(descriptor, bytes, written);
    },
  };
}

function writeSome(descriptor: number, bytes: Buffer, from: number): number {
  try {
    return writeSync(descriptor, bytes, from);
  } catch (error) {
    // Another program that shares the pipe or terminal may have made it non-blocking.
    if (codeOf(error) !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    return 0;
  }
}
