/** Sends requests by wrk, which is faster than what it tests, and says what was not answered well. */
import { join } from 'node:path';
import { PROJECT } from './processes.ts';
import { Running } from './running.ts';

/** Longer than any test; it is interrupted before. */
const DURATION = '1h';
/** It pauses between requests. Without a pause, two of them leave nothing of two processors to the hashing threads of sign-ins. */
const SCRIPT = join(import.meta.dirname, 'wrk.lua');

/** Sends GET requests. @returns a function that ends it, and tells how many were answered and which lines of its report tell of failures. */
export function startWrk(url: string, headers: string[] = []) {
  const args = ['--threads', '1', '--connections', '4', '--duration', DURATION, '--timeout', '10s'];
  const wrk = new Running(
    PROJECT,
    'wrk',
    [...args, '--script', SCRIPT, ...headers.flatMap((each) => ['-H', each]), url],
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
