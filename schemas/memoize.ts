/** For what is asked again and again with the same question, and costs more to find out than to look up. */

/** Longer texts are not kept, in characters: whoever sends them could fill the memory. */
const LONGEST = 256;

/**
 * @param find what to ask of: it must always answer the same. That there is no answer (undefined) is not kept.
 * @param capacity how many answers are kept: when there are more, all are forgotten, and the frequent ones soon known again.
 * @returns a function that answers as it does.
 */
export function memoize<Question extends string | number, Answer>(
  find: (question: Question) => Answer,
  capacity = 10_000,
): (question: Question) => Answer {
  const known = new Map<Question, Answer>();
  return (question) => {
    if (typeof question === 'string' && question.length > LONGEST) return find(question);
    const before = known.get(question);
    if (before !== undefined) return before;
    const answer = find(question);
    if (answer === undefined) return answer;
    if (known.size >= capacity) known.clear();
    known.set(question, answer);
    return answer;
  };
}
