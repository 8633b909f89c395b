/** Moments are made in a way of our own, for speed: they must be those that Date makes, every one. */
import { test } from 'tap';
import { instant } from '../../schemas/instant.ts';

const DAY = 24 * 60 * 60 * 1000;
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test('moments are written as Date writes them', async (t) => {
  const edges = [0, 1, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, DAY - 1, DAY, DAY + 1, LAST];
  const leapDays = [2000, 2024, 2100].flatMap((year) => [
    Date.UTC(year, 1, 28, 23, 59, 59, 999),
    Date.UTC(year, 2, 1),
  ]);
  // More days than are remembered, with other times of day each, forwards and back again.
  const days = Array.from({ length: 12_000 }, (_, n) => n * (DAY * 2 + 12_345_678));
  for (const moment of [...edges, ...leapDays, ...days, ...days.toReversed()]) {
    const expected = new Date(moment).toISOString();
    if (instant(moment) !== expected) t.equal(instant(moment), expected);
  }
  t.equal(instant(LAST), '9999-12-31T23:59:59.999Z');
});
