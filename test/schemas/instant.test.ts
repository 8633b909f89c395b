/** instant() formats times faster than Date; the results must be the same as those of Date. */
import { test } from 'tap';
import { instant } from '../../schemas/instant.ts';

const DAY = 24 * 60 * 60 * 1000;
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test('instant() formats every time as Date.toISOString() does', async (t) => {
  const edges = [0, 1, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, DAY - 1, DAY, DAY + 1, LAST];
  const leapDays = [2000, 2024, 2100].flatMap((year) => [
    Date.UTC(year, 1, 28, 23, 59, 59, 999),
    Date.UTC(year, 2, 1),
  ]);
  // Many days, each with another time of day, in both directions.
  const days = Array.from({ length: 12_000 }, (_, n) => n * (DAY * 2 + 12_345_678));
  for (const time of [...edges, ...leapDays, ...days, ...days.toReversed()]) {
    const expected = new Date(time).toISOString();
    if (instant(time) !== expected) t.equal(instant(time), expected);
  }
  t.equal(instant(LAST), '9999-12-31T23:59:59.999Z');
});
