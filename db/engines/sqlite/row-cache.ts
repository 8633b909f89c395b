/**
 * Caches rows until the database changes. SQLite's data_version changes whenever any other connection, in any process,
 * commits, and reading it is cheaper than reading the rows again; measured in docs/performance.md. No session is taken
 * from the cache without comparing the version, so a revoked one never lives on in it. What its request reads next, before
 * anything from outside can arrive, relies on that comparison, since each one locks the file.
 * @see https://www.sqlite.org/pragma.html#pragma_data_version
 */
import type { Values } from '../statement.ts';
import type { ReopeningConnection } from './reopening.ts';

/** The largest number of cached values of one query: some 10,000 sessions, or fewer with long lists. */
const CAPACITY = 300_000;
/** What a key counts for, in addition to the values of its row. */
const KEY_WEIGHT = 20;

/** Reads something by its `key`. */
type Read<Result extends object> = (values: Values) => Result | undefined;

/** When a read checks the version: always, or only if no read has done so in this callback of the event loop. */
type Check = 'always' | 'once a callback';

export type RowCache = ReturnType<typeof makeRowCache>;

export function makeRowCache(connection: ReopeningConnection) {
  const dataVersion = connection.prepare((client) =>
    client.prepare<[], number>('PRAGMA data_version').pluck(),
  );
  const clears: (() => void)[] = [];
  let version: number | undefined;
  let isChecked = false;

  function invalidate() {
    for (const clear of clears) clear();
  }

  function invalidateIfChanged() {
    const current = dataVersion.current.get();
    if (current === undefined) throw new Error('SQLite did not return its data_version.');
    if (current !== version) invalidate();
    version = current;
    if (isChecked) return;
    isChecked = true;
    // Runs after all promises that follow from this callback, and before the next callback.
    queueMicrotask(() => process.nextTick(forgetCheck));
  }

  function forgetCheck() {
    isChecked = false;
  }

  // The versions of two connections can't be compared.
  connection.onReopen(() => {
    version = undefined;
    invalidate();
  });

  return {
    /** Must be called after each commit of this connection, which does not change its own data_version. */
    invalidate,
    /** @returns a cached version of the function, whose results and the lists in them are frozen. */
    cached<Result extends object>(read: Read<Result>, check: Check): Read<Readonly<Result>> {
      // The first read of a key stores only a mark: with many clients in turn, most rows would be evicted before their
      // second read, and checking the version for them would be wasted.
      const entries = new Map<unknown, Readonly<Result> | 'read once'>();
      let weight = 0;
      function clear() {
        entries.clear();
        weight = 0;
      }
      function store(key: unknown, entry: Readonly<Result> | 'read once', count: number) {
        const added = entries.has(key) ? count : KEY_WEIGHT + count;
        if (weight + added > CAPACITY) clear();
        weight += added;
        entries.set(key, entry);
      }
      clears.push(clear);
      return (values) => {
        const { key } = values;
        if (!entries.has(key)) {
          store(key, 'read once', 0);
          // This may be of a later version, which other cached rows are not.
          forgetCheck();
          return read(values);
        }
        // The version comes before the row: a commit in between makes the row newer than the version, never older.
        if (check === 'always' || !isChecked) invalidateIfChanged();
        const entry = entries.get(key);
        if (entry !== undefined && entry !== 'read once') return entry;
        const result = read(values);
        if (result) store(key, result, freeze(result));
        else store(key, 'read once', 0);
        return result;
      };
    },
  };
}

/** Freezes the result and its lists, because callers share it. @returns the number of its values. */
function freeze(result: object): number {
  Object.freeze(result);
  return Object.values(result).flatMap((value) => Object.freeze(value)).length;
}
