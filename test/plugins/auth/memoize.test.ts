/** memoize() must return the right result, compute it once, and limit the memory that it uses. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import { memoize } from '../../../plugins/auth/memoize.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('memoize() computes each result once and limits what it keeps', async (t) => {
  const computed: string[] = [];
  const lookUp = memoize((key: string) => {
    computed.push(key);
    return key === 'unknown' ? undefined : `value of ${key}`;
  });
  /** @returns how many of the keys had to be computed. */
  function countComputed(...keys: string[]): number {
    computed.length = 0;
    for (const key of keys) {
      const expected = key === 'unknown' ? undefined : `value of ${key}`;
      if (lookUp(key) !== expected) t.fail(`wrong value of ${key}`);
    }
    return computed.length;
  }

  t.equal(countComputed('a', 'b', 'a', 'b', 'a'), 2, 'each key is computed once');
  t.equal(countComputed('unknown', 'unknown'), 2, 'undefined is not kept');
  const [longest, longer] = ['x'.repeat(256), 'x'.repeat(257)];
  t.equal(countComputed(longest, longest, longer, longer), 3, 'keys longer than 256 characters are not kept');
  t.equal(
    countComputed(...Array.from({ length: 10_001 }, (_, number) => `other ${number}`), 'a', 'a'),
    10_002,
  );
});

test('memoize() keeps the part of a long text that it was given, and not the text', async (t) => {
  const lookUp = memoize((key: string) => ({ part: key.slice(0, 40) }));
  const heap = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  // As the cookie in a header with others: 200 texts of 100 kB.
  for (let number = 0; number < 200; number++)
    lookUp(
      Buffer.from(`${'x'.repeat(100_000)}${number}`)
        .toString()
        .slice(-100),
    );
  t.ok(heap() - before < 2e6, `${heap() - before} bytes are kept`);
  t.equal(lookUp(`${'x'.repeat(97)}123`), lookUp(`${'x'.repeat(97)}123`), 'they are found again');
});
