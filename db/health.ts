/**
 * Tries every second whether the database can be read and written. What goes wrong is logged once when it begins and once when it
 * ends, with the number of requests that failed meanwhile, and not once for each of them.
 */
import { DatabaseUnavailableError } from './engines/engine.ts';

/** All in milliseconds. */
const INTERVAL = 1_000;
const PATIENCE = 3_000;

/** What is tried. */
interface Attempts {
  schemaIsCurrent(): Promise<boolean>;
  tryWrite(): Promise<void>;
}

interface HealthLog {
  error(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

/** @returns what the attempt gives. @throws {DatabaseUnavailableError} also when it takes longer than 3 seconds. */
export function tryInTime<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new DatabaseUnavailableError(`it did not answer within ${PATIENCE} ms.`));
  }, PATIENCE).unref();
  return Promise.race([attempt(), late]).finally(() => clearTimeout(timer));
}

/** Something that works or does not. */
class Watched {
  isWell = true;
  #since = 0;
  readonly #log: HealthLog;
  readonly #began: string;
  readonly #ended: string;

  constructor(log: HealthLog, began: string, ended: string) {
    this.#log = log;
    this.#began = began;
    this.#ended = ended;
  }

  /** @param failure the error of the last attempt, if any. @param fields gives what the line tells when it works again. */
  note(failure: unknown, fields = () => ({})): void {
    if (this.isWell === !failure) return;
    this.isWell = !failure;
    if (failure) {
      this.#since = performance.now();
      this.#log.error({ err: failure }, this.#began);
    } else {
      const seconds = Math.round((performance.now() - this.#since) / 1_000);
      this.#log.info({ ...fields(), seconds }, this.#ended);
    }
  }
}

async function failureOf(attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    await tryInTime(attempt);
    return undefined;
  } catch (error) {
    return error;
  }
}

export class Health {
  readonly #db: Attempts;
  readonly #onWritable: (isWritable: boolean) => void;
  readonly #reads: Watched;
  readonly #writes: Watched;
  readonly #checkpoints: Watched;
  readonly #timer: NodeJS.Timeout;
  #isChecking = false;
  /** From then on, an attempt that is under way fails because the database is closed. */
  #isEnded = false;
  #checkpointFailure: unknown;
  #failedRequests = 0;
  /** When a trouble ended. */
  #endedAt = Number.NEGATIVE_INFINITY;
  /** Of a request since the last attempts. */
  #lastFailure: Error | undefined;

  /** @param onWritable is called after each attempt to write. */
  constructor(db: Attempts, log: HealthLog, onWritable: (isWritable: boolean) => void) {
    this.#db = db;
    this.#onWritable = onWritable;
    this.#reads = new Watched(log, 'the database can not be read', 'the database can be read again');
    this.#writes = new Watched(log, 'the database can not be written', 'the database can be written again');
    this.#checkpoints = new Watched(
      log,
      'the write-ahead log can not be checkpointed',
      'the write-ahead log can be checkpointed again',
    );
    this.#timer = setInterval(() => void this.#check(), INTERVAL).unref();
  }

  /** Whether the database can be read and written, by the last attempts. */
  get isWell(): boolean {
    return this.#reads.isWell && this.#writes.isWell;
  }

  /** Whether the operation worked when it was tried last. Nothing that can't be read can be written. */
  works(operation: 'read' | 'write'): boolean {
    return operation === 'read' ? this.#reads.isWell : this.isWell;
  }

  /** Counts requests that failed because the database could not serve. @param reason of the last one. */
  noteFailures(count: number, reason: string): void {
    this.#failedRequests += count;
    // Of requests that failed during a trouble, the last are told a little after its end.
    if (performance.now() - this.#endedAt > 2 * INTERVAL) this.#lastFailure = new Error(reason);
  }

  /** Takes the outcome of the last checkpoint: its error, if any. */
  noteCheckpoint(failure: unknown): void {
    this.#checkpointFailure = failure;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#isEnded = true;
  }

  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const fields = () => ({ failedRequests: this.#takeFailedRequests() });
    // A database of another schema can be read all the same.
    let readFailure = await failureOf(this.#db.schemaIsCurrent);
    const writeFailure = readFailure ?? (await failureOf(this.#db.tryWrite));
    // Writes are the first to notice that a file is gone, which can't be read from then on: that is one trouble.
    if (writeFailure) readFailure ??= await failureOf(this.#db.schemaIsCurrent);
    if (this.#isEnded) return;
    this.#reads.note(readFailure, fields);
    if (this.#reads.isWell) {
      // What fits into the last free page of a full disk may be less than what requests write.
      this.#writes.note(writeFailure ?? this.#lastFailure, fields);
      this.#onWritable(this.#writes.isWell);
    }
    this.#lastFailure = undefined;
    // What keeps the database from being read or written keeps it from checkpoints as well.
    if (this.isWell) this.#checkpoints.note(this.#checkpointFailure);
    this.#isChecking = false;
  }

  /** A trouble has ended. @returns how many requests have failed by it. */
  #takeFailedRequests(): number {
    const count = this.#failedRequests;
    this.#failedRequests = 0;
    this.#endedAt = performance.now();
    this.#lastFailure = undefined;
    return count;
  }
}
