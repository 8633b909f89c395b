/** Asks the operator at the terminal. The question is on standard error, so that standard output has only what scripts read. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { printError, terminal } from './terminal.ts';

/**
 * @param withoutTerminal what to write on the command line instead. @returns whether the answer is yes.
 * @throws when there is no terminal to ask at.
 */
export async function askWhether(question: string, withoutTerminal: string): Promise<boolean> {
  const { stdin } = terminal();
  if (!stdin.isTTY) throw new Error(`${question} There is no terminal to ask at: ${withoutTerminal}.`);
  printError(`${question} (y/n)`);
  const lines = createInterface({ input: stdin });
  try {
    const [answer]: unknown[] = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
    return /^y(es)?$/i.test(String(answer).trim());
  } finally {
    lines.close();
  }
}
