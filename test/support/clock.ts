/** Replaces the clock in tests of expiry and throttling, and waits for it where the order of ids matters. */
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Test } from 'tap';

/** Stops Date for a test; timers still run. @returns a function that advances the clock by so many seconds. */
export function stopTheClock(t: Test): (seconds: number) => void {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.teardown(() => mock.timers.reset());
  return (seconds) => mock.timers.tick(Math.round(seconds * 1000));
}

/** Lists are ordered by id, and ids created within one millisecond have no defined order. */
export async function nextMillisecond(): Promise<void> {
  for (const now = Date.now(); Date.now() === now; ) await nextTurn();
}

/** Sets a stopped clock back, as an operator or a time server does. */
export function setTheClockBack(seconds: number): void {
  mock.timers.setTime(Date.now() - Math.round(seconds * 1000));
}
