/** What is kept must be the right answer, must not be asked for twice, and must not fill the memory. */
import { test } from 'tap';
import { memoize } from '../../schemas/memoize.ts';

test('what is memoized', async (t) => {
  const asked: (string | number)[] = [];
  const answer = memoize((question: string | number) => {
    asked.push(question);
    return question === 'unknown' ? undefined : `answer to ${question}`;
  });
  /** @returns how often the answer had to be found out. */
  function finds(...questions: (string | number)[]): number {
    asked.length = 0;
    for (const question of questions) {
      const right = question === 'unknown' ? undefined : `answer to ${question}`;
      if (answer(question) !== right) t.fail(`another answer to ${question}`);
    }
    return asked.length;
  }

  t.equal(finds('a', 'b', 'a', 'b', 'a'), 2, 'is found out once');
  t.equal(finds('1', 1, '1', 1), 2, 'a number is not the text of it');
  t.equal(finds('unknown', 'unknown'), 2, 'that there is no answer is not kept');
  const [longest, longer] = ['x'.repeat(256), 'x'.repeat(257)];
  t.equal(finds(longest, longest, longer, longer), 3, 'nor are long questions');
  t.equal(finds(...Array.from({ length: 10_001 }, (_, number) => `crowd ${number}`), 'a', 'a'), 10_002);
});
