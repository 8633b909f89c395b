/** Replaces the clock in tests of expiry and throttling. */
import { mock } from 'node:test';
import type { Test } from 'tap';

/** Stops Date for a test; timers still run. @returns a function that advances the clock by so many seconds. */
export function stopTheClock(t: Test): (seconds: number) => void {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.teardown(() => mock.timers.reset());
  return (seconds) => mock.timers.tick(Math.round(seconds * 1000));
}

/** Sets a stopped clock back, as an operator or a time server does. */
export function setTheClockBack(seconds: number): void {
  mock.timers.setTime(Date.now() - Math.round(seconds * 1000));
}
