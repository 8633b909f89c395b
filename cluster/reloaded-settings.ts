/** Which settings a reload can't change. */
import { databaseServers, sqliteFile } from '../config/database-url.ts';
import type { Settings } from '../config/load.ts';

const ADDRESSES = ['HOST', 'PORT', 'METRICS_HOST', 'METRICS_PORT'] as const;

/**
 * @param loaded the settings that were read anew, perhaps by newer code, with more settings than this one knows.
 * @returns these settings, with the addresses and the database of the current ones; and the names of those of them that have changed.
 * @throws {Error} when NODE_ENV has changed: a file that was cut off would make a service in production one in development.
 */
export function keepUntilRestart(
  loaded: Settings,
  current: Settings,
): { settings: Settings; needRestart: string[] } {
  const { HOST, PORT, METRICS_HOST, METRICS_PORT, DATABASE_URL, secretPath } = current;
  const { METRICS_PORT: _loaded, ...others } = loaded;
  if (loaded.NODE_ENV !== current.NODE_ENV)
    throw new Error(
      `NODE_ENV is ${loaded.NODE_ENV}, and the service runs for ${current.NODE_ENV}. Correct the settings, or restart the service.`,
    );
  const isSameDatabase = databaseOf(loaded.DATABASE_URL) === databaseOf(DATABASE_URL);
  return {
    settings: {
      ...others,
      HOST,
      PORT,
      METRICS_HOST,
      ...(METRICS_PORT === undefined ? {} : { METRICS_PORT }),
      // The key that the service makes lies beside the database.
      ...(isSameDatabase ? {} : { DATABASE_URL, secretPath }),
    },
    needRestart: [
      ...ADDRESSES.filter((name) => loaded[name] !== current[name]),
      ...(isSameDatabase ? [] : ['DATABASE_URL']),
    ],
  };
}

/** @returns the file of SQLite, or the name of MySQL's: its servers, user and password may change. */
function databaseOf(url: string): string {
  return sqliteFile(url) ?? new URL(databaseServers(url)[0].url).pathname;
}
