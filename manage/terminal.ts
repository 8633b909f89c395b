/**
 * What a command reads and writes: its settings' environment and its three streams. In a process of its own these are the process's.
 * Tests run many commands in one process, each with its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';

/** Where a command writes. */
export interface Output {
  /** Writes the whole text before it returns. @throws when it can't. */
  write(text: string): void;
  /** The descriptor of the file, pipe or terminal behind it, if there is one. */
  descriptor?: number;
}

export interface Terminal {
  environment: NodeJS.ProcessEnv;
  stdin: Readable & { isTTY?: boolean };
  stdout: Output;
  stderr: Output;
}

interface Running extends Terminal {
  /** Why standard output could not be written. Nothing is written to it then. */
  failure?: unknown;
}

const storage = new AsyncLocalStorage<Running>();

/** Runs the command, which finds this terminal by `terminal()`. */
export function withTerminal<Result>(terminal: Terminal, command: () => Promise<Result>): Promise<Result> {
  return storage.run({ ...terminal }, command);
}

/** @returns the terminal of the command that runs. @throws when none does. */
export function terminal(): Terminal {
  return running();
}

function running(): Running {
  const found = storage.getStore();
  if (!found) throw new Error('No command runs: see withTerminal().');
  return found;
}

// Users choose part of what is printed, and must not control the terminal, nor turn the direction of a line round. Some programs begin
// a line at U+2028 and U+2029.
const STEERING = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** @returns the text with control characters as JSON has them. */
function withoutControls(text: string): string {
  return text.replace(STEERING, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Writes a text to standard output. The command goes on when that fails, since a migration must not stop halfway because nobody reads of it;
 * it ends with the failure (see program.ts).
 */
export function write(text: string): void {
  const command = running();
  if (command.failure) return;
  try {
    command.stdout.write(withoutControls(text));
  } catch (error) {
    command.failure = error;
  }
}

/** @returns why standard output could not be written, or undefined as long as it could. */
export function outputFailure(): unknown {
  return running().failure;
}

/** Writes a line to standard output. */
export function print(line: string): void {
  write(`${line}\n`);
}

/** Writes a text to standard error. */
export function writeError(text: string): void {
  try {
    running().stderr.write(withoutControls(text));
  } catch {
    // Nobody can be told. The exit code says that the command failed, if it did.
  }
}

/** Writes a line to standard error. */
export function printError(line: string): void {
  writeError(`${line}\n`);
}
