/** A clock that stands still until a test moves it on. */
import { mock } from 'node:test';
import type { Test } from 'tap';

/** Stops the clock for a test; timers go on as ever. @returns a function that moves it on by so many seconds. */
export function stopTheClock(t: Test): (seconds: number) => void {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.teardown(() => mock.timers.reset());
  return (seconds) => mock.timers.tick(Math.round(seconds * 1000));
}
