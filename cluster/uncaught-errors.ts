/** The last handler of errors: one that nothing caught leaves a line in the log, as all others do, and ends the process. */
import { makeLog } from '../plugins/log.ts';

/** Handles the errors of this process that are thrown outside of requests, promises that nobody awaits included. */
export function logUncaughtErrors(): void {
  const log = makeLog('fatal');
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nothing caught ends the process');
    process.exit(1);
  });
}
