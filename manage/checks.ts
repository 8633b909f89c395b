/** Checks of several values, so that a command tells all that is wrong with them at once. */
import { check } from './context.ts';

/** The arguments of each `check`. @throws when values do not fit their schemas, with a line for each. */
export function checkEach(...checks: Parameters<typeof check>[]): void {
  const wrong = checks.flatMap((each) => {
    try {
      check(...each);
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  });
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}
