/** Ids of one process increase, so that what it writes sorts in the order of writing (RFC 9562, section 6.2). */
import { mock } from 'node:test';
import { test } from 'tap';
import { createAdministrator } from '../../accounts/first-administrator.ts';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { compareIds, firstIdOf, makeId } from '../../db/ids.ts';
import { ensureSchema } from '../../db/migrate/migrator.ts';
import { operator } from '../../manage/operator.ts';
import { toId } from '../../schemas/common.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';

const MINUTE = 60 * 1000;

/** @returns how many of the ids do not follow the one before them. */
function countDecreases(ids: string[]): number {
  return ids.filter((id, index) => index > 0 && id <= (ids[index - 1] ?? '')).length;
}

const makeIds = (count: number) => Array.from({ length: count }, makeId);

test('100,000 ids made in a row are valid and increase', async (t) => {
  const ids = makeIds(100_000);
  t.equal(countDecreases(ids), 0);
  t.equal(
    ids.find((id) => toId(id) !== id),
    undefined,
  );
});

test('compareIds() puts ids into the order in which they were made, whatever order they come in', async (t) => {
  const made = makeIds(100).map((id) => ({ id }));
  const mixed = made.map((_, index) => made[(index * 37) % made.length] ?? { id: '' });
  t.strictSame(mixed.sort(compareIds), made);
});

test('Ids of one millisecond increase, also when there are more than its counter can count', async (t) => {
  stopTheClock(t);
  t.equal(countDecreases(makeIds(10_000)), 0);
});

test('Ids increase while the clock is set back by less than a minute', async (t) => {
  stopTheClock(t);
  const before = makeIds(3);
  mock.timers.setTime(Date.now() - MINUTE + 1);
  t.equal(countDecreases([...before, ...makeIds(3)]), 0);
});

test('Ids bear the time of the clock when it is set back by more than a minute', async (t) => {
  stopTheClock(t);
  makeId();
  mock.timers.setTime(Date.now() - 60 * MINUTE);
  t.match(makeId(), new RegExp(`^${firstIdOf(Date.now())}`));
});

onEachEngine('The audit entries of one change are in the order of its steps', async (t, testEngine) => {
  const DATABASE_URL = await testEngine.makeDatabase(t);
  const settings = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL } });
  const engine = await openEngine(settings, { create: true });
  t.teardown(() => engine.close());
  await ensureSchema(engine, true);
  const db = prepareQueries(engine);
  const user = { username: 'chief', name: '', email: null, active: true, passwordHash: 'none' };
  await createAdministrator(db, operator, user);
  const entries = await db.audit.page({}, '', 'g', 10);
  t.strictSame(entries.map(({ event }) => event).reverse(), [
    'user-created',
    'group-created',
    'membership-set',
  ]);
});
