/** How a command says that it failed. */

/**
 * Writes the error for the reader: one line each, after the name. What is a fault of ours, not a wrong setting or a
 * database that is away, keeps its stack.
 */
export function complain(name: string, error: unknown): void {
  const ours = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  const text = error instanceof Error ? (ours && error.stack) || error.message : String(error);
  for (const line of text.split('\n')) process.stderr.write(`${name}: ${line}\n`);
}
