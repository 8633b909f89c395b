/** Notices when the file of an open SQLite database is not the one any more that was opened. */
import { statSync } from 'node:fs';
import { DatabaseUnavailableError } from '../engine.ts';

/** How often it is looked whether the file is still there, in milliseconds. */
const FILE_INTERVAL = 1_000;

interface WatchedFile {
  /** Looks whether the file is still the one that was opened. */
  look(): void;
  /** @throws {DatabaseUnavailableError} when it was seen not to be. */
  check(): void;
  end(): void;
}

/**
 * SQLite goes on with a file that was removed, replaced or emptied: what is written is lost, and processes that opened it later
 * see another database.
 */
export function watchFile(path: string): WatchedFile {
  const opened = statSync(path).ino;
  let replaced = false;
  const look = () => {
    const found = statSync(path, { throwIfNoEntry: false });
    replaced ||= found?.ino !== opened || found.size === 0;
  };
  const timer = setInterval(look, FILE_INTERVAL).unref();
  return {
    look,
    check() {
      if (!replaced) return;
      throw new DatabaseUnavailableError(
        `the file ${path} was removed, replaced or emptied. Restart the service.`,
      );
    },
    end: () => clearInterval(timer),
  };
}
