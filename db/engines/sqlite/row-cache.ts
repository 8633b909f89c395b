/**
 * What was read a moment ago need not be read again while nothing in the database has changed, and SQLite tells that at a
 * third of the cost: by a number (PRAGMA data_version) that is another one as soon as any other connection, in whatever
 * process, has committed. Who is asking is looked up by every request, and many come from the same clients. It is no memory of
 * who is signed in: each request asks SQLite anew, and one commit ends all of it.
 * @see https://www.sqlite.org/pragma.html#pragma_data_version
 */
import type Sqlite from 'better-sqlite3';
import type { Values } from '../statement.ts';

/** How many values are kept of one query's answers, at most: those of some 10,000 sessions, or of fewer with long lists. */
const CAPACITY = 300_000;
/** What is counted for a key, beside the values that are kept of it. */
const KEY = 20;

/** Reads something by one value. */
type Read<Made extends object> = (values: Values) => Made | undefined;

interface RowCache {
  /** To be called whenever this connection may have committed: of its own commits the number does not tell. */
  invalidate(): void;
  /** @returns a function that gives what the given one would, with its lists frozen: it may be kept. */
  cached<Made extends object>(read: Read<Made>): (values: Values) => Readonly<Made> | undefined;
}

export function makeRowCache(client: Sqlite.Database): RowCache {
  const dataVersion = client.prepare<[], number>('PRAGMA data_version').pluck();
  const clears: (() => void)[] = [];
  let version: number | undefined;

  function invalidate() {
    for (const clear of clears) clear();
  }

  function look() {
    const found = dataVersion.get();
    if (found === undefined) throw new Error('SQLite does not tell the version of its data.');
    if (found !== version) invalidate();
    version = found;
  }

  return {
    invalidate,
    cached<Made extends object>(read: Read<Made>) {
      // Of what was asked for once only that is noted: most of many clients who come in turn would come too late for it,
      // and asking whether it still holds would be in vain.
      const answers = new Map<unknown, Readonly<Made> | 'asked'>();
      let values = 0;
      function clear() {
        answers.clear();
        values = 0;
      }
      function note(key: unknown, answer: Readonly<Made> | 'asked', count: number) {
        const more = answers.has(key) ? count : KEY + count;
        if (values + more > CAPACITY) clear();
        values += more;
        answers.set(key, answer);
      }
      clears.push(clear);
      return (given) => {
        const [key, ...more] = Object.values(given);
        if (more.length > 0) throw new TypeError('Only what is read by one value is kept.');
        if (!answers.has(key)) {
          note(key, 'asked', 0);
          return read(given);
        }
        // Before the row is read: what is committed in between makes it newer than the number, never older.
        look();
        const kept = answers.get(key);
        if (kept !== undefined && kept !== 'asked') return kept;
        const made = read(given);
        if (made) note(key, made, freeze(made));
        else note(key, 'asked', 0);
        return made;
      };
    },
  };
}

/** Freezes it with the lists in it: who changed one would change it for all who ask after them. @returns how many values it has. */
function freeze(made: object): number {
  Object.freeze(made);
  return Object.values(made).flatMap((value) => Object.freeze(value)).length;
}
