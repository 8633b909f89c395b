/**
 * Query parameters that a route does not know are refused: a misspelt `?permission=` must not open a door. Ajv could do that only
 * with names that are known when the schema is compiled, and request loaders may come later.
 */

import { pointerTo } from '../../schemas/field-errors.ts';
import type { FieldError } from '../../schemas/problems.ts';

/** Longer names are no misspelling, in characters; comparing them would cost much. */
const LONGEST = 32;

/** @returns how many letters must be put in, left out or changed to make one of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [line, letter] of [...one].entries()) {
    let [before, left] = [line, line + 1];
    const next = row.slice(1).map((above, column) => {
      const change = before + (letter === other[column] ? 0 : 1);
      before = above;
      left = Math.min(change, above + 1, left + 1);
      return left;
    });
    row = [line + 1, ...next];
  }
  return row.at(-1) ?? 0;
}

/** @returns the known name that is most like that one, undefined when none is near. */
function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const typed = name.toLowerCase();
  const far = (each: string) => {
    const candidate = each.toLowerCase();
    // An abbreviation counts as near, however much is missing.
    return typed.length > 1 && candidate.startsWith(typed) ? 1 : distance(typed, candidate);
  };
  const [best] = known
    .map((each) => ({ each, steps: far(each) }))
    .filter(({ each, steps }) => steps <= Math.max(1, Math.floor(each.length / 3)))
    .sort((a, b) => a.steps - b.steps);
  return best?.each;
}

/** @returns the error of a parameter that is unknown. @param known those of the route. */
export function unknownParameter(name: string, known: readonly string[]): FieldError {
  const meant = nearest(name, known);
  const all = known.length > 0 ? `; these are: ${known.join(', ')}` : '; there are none here';
  const detail = `is not a parameter of this${meant ? `; perhaps ${meant} is meant` : all}`;
  return { pointer: pointerTo(name), code: 'unknown', detail };
}
