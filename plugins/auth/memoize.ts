/** Remembers the results of a function that always gives the same for the same input. */

/** Longer texts are not kept, in characters: a client could fill the memory with them. */
const LONGEST = 256;

/**
 * @param find the function of a well-formed text. Its `undefined` is not kept.
 * @param capacity how many results are kept. When there are more, all are dropped, and frequent ones soon come back.
 */
export function memoize<Result>(
  find: (input: string) => Result,
  capacity = 10_000,
): (input: string) => Result {
  const known = new Map<string, Result>();
  return (input) => {
    if (input.length > LONGEST) return find(input);
    const before = known.get(input);
    if (before !== undefined) return before;
    // A part of a longer text, such as a header, would keep all of it in memory, and so would parts of that part.
    const copy = Buffer.from(input).toString();
    const result = find(copy);
    if (result === undefined) return result;
    if (known.size >= capacity) known.clear();
    known.set(copy, result);
    return result;
  };
}
