/** Sends requests by wrk, which is faster than what it tests, and says what was not answered well. */
import { PROJECT } from './processes.ts';
import { Running } from './running.ts';

/** Longer than any test; it is interrupted before. */
const DURATION = '1h';

/** Sends GET requests. @returns a function that ends it, and tells how many were answered and which lines of its report tell of failures. */
export function startWrk(url: string, headers: string[] = []) {
  const args = ['--threads', '1', '--connections', '4', '--duration', DURATION, '--timeout', '10s'];
  const wrk = new Running(
    PROJECT,
    // It takes what the service leaves of the processors, or the hashing threads of sign-ins would starve.
    'nice',
    ['-n', '19', 'wrk', ...args, ...headers.flatMap((each) => ['-H', each]), url],
    {},
    'ignore',
  );
  return async () => {
    wrk.child.kill('SIGINT');
    await wrk.exit;
    const { stdout } = wrk.output;
    return {
      answers: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
      failures: stdout.split('\n').filter((line) => /Socket errors|Non-2xx/.test(line)),
    };
  };
}
