/** Reads what the service writes into its log. */
import { Writable } from 'node:stream';
import { pino } from 'pino';

/** @returns where the log may go, and its lines so far. */
export function makeLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  /** @returns the lines that tell of an event, as objects. */
  const events = (): Record<string, unknown>[] =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => event);
  return { log: pino({ level: 'trace' }, stream), lines, events };
}
