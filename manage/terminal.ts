/**
 * What a command reads and writes: its settings' environment and its three streams. In a process of its own these are the process's.
 * Tests run many commands in one process, each with its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';

export interface Terminal {
  environment: NodeJS.ProcessEnv;
  stdin: Readable & { isTTY?: boolean };
  stdout: { write(text: string): unknown; destroyed?: boolean };
  stderr: { write(text: string): unknown };
}

const running = new AsyncLocalStorage<Terminal>();

/** Runs the command, which finds this terminal by `terminal()`. */
export function withTerminal<Result>(terminal: Terminal, command: () => Promise<Result>): Promise<Result> {
  return running.run(terminal, command);
}

/** @returns the terminal of the command that runs. @throws when none does. */
export function terminal(): Terminal {
  const found = running.getStore();
  if (!found) throw new Error('No command runs: see withTerminal().');
  return found;
}

// Users choose part of what is printed, and must not control the terminal, nor turn the direction of a line round. Some programs begin
// a line at U+2028 and U+2029.
const STEERING = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** @returns the text with control characters as JSON has them. */
export function withoutControls(text: string): string {
  return text.replace(STEERING, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Writes a line to standard output. */
export function print(line: string): void {
  terminal().stdout.write(`${withoutControls(line)}\n`);
}

/** Writes a line to standard error. */
export function printError(line: string): void {
  terminal().stderr.write(`${withoutControls(line)}\n`);
}

/** Prints a secret alone on standard output, for scripts, and what it is on standard error. */
export function printSecret(secret: string, about: string): void {
  printError(about);
  print(secret);
}
