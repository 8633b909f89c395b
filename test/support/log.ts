/** Captures the log of the service in tests. */
import { Writable } from 'node:stream';
import type { LevelWithSilent } from 'pino';
import { makeLog as makeServiceLog } from '../../plugins/log.ts';

/** @returns a logger, and the lines that it has written so far. @param level of the least that it writes. */
export function makeLog(level: LevelWithSilent = 'trace') {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  /** @returns the lines that have an event, as objects. */
  const events = (): Record<string, unknown>[] =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => event);
  return { log: makeServiceLog(level, stream), lines, events };
}

/** The level of warnings in the log. */
const WARNING = 40;

/** @returns the lines that are warnings or worse. */
export const warningsIn = (lines: string[]) => lines.filter((line) => JSON.parse(line).level >= WARNING);
