/** The log of the service: one JSON object a line on standard output. docs/logs.md says what is in it. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { LogOutput } from './log-output.ts';

/**
 * What controls a terminal or begins a line for some programs: control characters, as JSON has those up to U+001F, and the separators of
 * lines and paragraphs, and what turns the direction of a line round. The line feeds and tabs of stack traces stay.
 */
const CONTROLS = /\\(?:\\|[bfr]|u00[01][\da-f])|[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/**
 * Turns control characters into visible text, such as \u009b: clients choose part of what is logged, and must not control the terminal of
 * those who read it, not even after their program has decoded the JSON.
 */
function escapeControls(line: string): string {
  return line.replace(CONTROLS, (each) => {
    if (each === '\\\\') return each;
    if (each.startsWith('\\')) return `\\${each}`;
    return `\\\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** One for all loggers of the process. */
const standardOutput = new LogOutput(1);

/** @returns a logger that writes from this level on. @param stream standard output without it. */
export function makeLog(level: string, stream: DestinationStream = standardOutput): Logger {
  return pino({ level, hooks: { streamWrite: escapeControls } }, stream);
}
