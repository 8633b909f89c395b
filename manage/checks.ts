/** Checks of what is typed. Several at once, so that a command tells all that is wrong. */
import { Id, toId } from '../schemas/common.ts';
import { check } from './context.ts';

/** @returns the id, which may be typed in any case. @throws when it is none. */
export function readId(text: string): string {
  const id = toId(text);
  if (id === undefined) check('id', Id, text);
  return id ?? text;
}

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
