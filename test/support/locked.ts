/** Tells when a transaction finds its SQLite file locked, so that no test has to guess when one waits. */
import Sqlite from 'better-sqlite3';
import { isBusy } from '../../db/engines/sqlite/errors.ts';

/** Calls `report` each time a transaction of this process finds its file locked. @returns a function that ends it. */
export function onLocked(report: () => void): () => void {
  const { exec } = Sqlite.prototype;
  Sqlite.prototype.exec = function (source) {
    try {
      return exec.call(this, source);
    } catch (error) {
      if (isBusy(error)) report();
      throw error;
    }
  };
  return () => {
    Sqlite.prototype.exec = exec;
  };
}
