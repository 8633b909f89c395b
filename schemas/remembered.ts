/** For what is asked again and again with the same question, and costs more to find out than to look up. */

/** How many answers are kept: when there are more, all are forgotten, and the frequent ones soon known again. */
const MOST = 10_000;

/**
 * @param find what to ask of: it must always answer the same. That there is no answer (undefined) is not remembered, so that
 * made-up questions push out nothing.
 * @returns a function that answers as it does.
 */
export function remembered<Question, Answer>(
  find: (question: Question) => Answer,
): (question: Question) => Answer {
  const known = new Map<Question, Answer>();
  return (question) => {
    const before = known.get(question);
    if (before !== undefined) return before;
    const answer = find(question);
    if (answer === undefined) return answer;
    if (known.size >= MOST) known.clear();
    known.set(question, answer);
    return answer;
  };
}
