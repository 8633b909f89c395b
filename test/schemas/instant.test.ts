/** Times in the API. instant() formats times faster than Date; the results must be the same as those of Date. */
import { test } from 'tap';
import { instant, parseInstant } from '../../schemas/instant.ts';

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

test('parseInstant() reads RFC 3339 with any offset, and days', async (t) => {
  const noon = Date.UTC(2026, 0, 31, 12);
  const instants: [string, number][] = [
    ['2026-01-31T12:00:00Z', noon],
    ['2026-01-31t12:00:00z', noon],
    ['2026-01-31T13:00:00+01:00', noon],
    ['2026-01-31T13:00:00 01:00', noon],
    ['2026-01-31T12:00:00+00:00', noon],
    ['2026-01-31T12:00:00-00:00', noon],
    ['2026-01-31T04:15:00-07:45', noon],
    ['2026-02-01T11:59:00+23:59', noon],
    ['2026-01-31T12:00:00.5Z', noon + 500],
    ['2026-01-31T12:00:00.029Z', noon + 29],
    ['2026-01-31T13:00:00.123+01:00', noon + 123],
    ['2026-01-31T12:00:00.123000000Z', noon + 123],
    ['2026-01-31T12:00:00.123000001Z', noon + 124],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['9999-12-31T23:59:59.999Z', LAST],
    ['0001-01-01', Date.parse('0001-01-01')],
  ];
  for (const [text, time] of instants) t.equal(parseInstant(text), time, text);
  for (let time = 0; time < 1_000; time++) t.equal(parseInstant(instant(noon + time)), noon + time);
  for (const text of [
    '',
    'yesterday',
    '2026',
    '2026-01',
    '2026-1-31',
    '2026-02-29',
    '2026-02-31T12:00:00Z',
    '2026-13-01',
    '2026-01-00',
    '2026-01-31T',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31T24:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00.Z',
    '2026-01-31T12:00:00+1:00',
    '2026-01-31T12:00:00+0100',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31T12:00:00+01:60',
    '2026-01-31Z',
    '2026-01-31+01:00',
    ' 2026-01-31',
    '2026-01-31\n',
    '20260131',
    '+002026-01-31',
    '-2026-01-31',
    '1769860800000',
  ])
    t.equal(parseInstant(text), undefined, JSON.stringify(text));
});
