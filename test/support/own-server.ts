/** Runs tests that kill, freeze or configure the server on a MySQL server of their own. */
import { type Test, test } from 'tap';
import { findServer } from './mysql-server.ts';
import { OwnServer } from './test-server.ts';

/**
 * Runs the tests on a new server with these flags. Skips them where no server is installed. Call it last in a file,
 * because it ends the process after the tests.
 */
export function onOwnServer(
  name: string,
  flags: string[] | ((t: Test) => string[]),
  tests: (t: Test, server: OwnServer) => Promise<void>,
): void {
  if (!findServer()) {
    skipTests(name, 'no MySQL server is installed');
    return;
  }
  const ended = test(name, async (t) => {
    const server = new OwnServer(typeof flags === 'function' ? flags(t) : flags);
    t.teardown(() => server.remove());
    await server.start();
    await tests(t, server);
  });
  // mysql2 keeps the timers of statements whose connection was lost; they would keep the process alive. The delay is
  // meant to let tap write its report first.
  void ended.then(() => setTimeout(() => process.exit(), 500).unref());
}

/** Reports these tests as skipped; with REQUIRE_MYSQL=1 that is a failure. */
export function skipTests(name: string, reason: string): void {
  test(name, async (t) => {
    t.comment(`Skipped, because ${reason}: ${name}`);
    t.not(process.env.REQUIRE_MYSQL, '1', 'REQUIRE_MYSQL=1 is set, so these tests must not be skipped');
  });
}

/** Blocks the event loop for so many milliseconds. */
export function block(time: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
}

/** Runs the work for 0, 1, 2 …, `width` at a time. @returns the results in order. */
export async function inParallel<Result>(
  count: number,
  width: number,
  work: (n: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      results[n] = await work(n);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Flags for a fast server: commits do not wait for the disk, and there is no binary log. */
export const FAST_FLAGS = ['--innodb-flush-log-at-trx-commit=0', '--skip-log-bin'];
