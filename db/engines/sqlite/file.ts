/** Detects that the file of an open SQLite database was removed, replaced or emptied. */
import { statSync } from 'node:fs';
import { DatabaseUnavailableError } from '../engine.ts';

/** In milliseconds. */
const CHECK_INTERVAL = 1_000;

export type WatchedFile = ReturnType<typeof watchFile>;

/** SQLite would go on with a deleted file: its writes would be lost, and later processes would see another database. */
export function watchFile(path: string) {
  const opened = statSync(path).ino;
  let replaced = false;
  const checkNow = () => {
    const found = statSync(path, { throwIfNoEntry: false });
    replaced ||= found?.ino !== opened || found.size === 0;
  };
  const timer = setInterval(checkNow, CHECK_INTERVAL).unref();
  return {
    /** Checks the file, in addition to the regular checks. */
    checkNow,
    /** @throws {DatabaseUnavailableError} when a check has failed. */
    assertInPlace(): void {
      if (!replaced) return;
      throw new DatabaseUnavailableError(
        `the file ${path} was removed, replaced or emptied. Restart the service.`,
      );
    },
    end: () => clearInterval(timer),
  };
}
