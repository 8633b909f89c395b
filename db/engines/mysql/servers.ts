/**
 * Chooses the server for a new connection: the first of DATABASE_URL that answers and takes writes. One that failed is left
 * for the next, and asked again after a pause that grows as long as it fails.
 */
import { type DatabaseServer, databaseServers } from '../../../config/database-url.ts';
import { reasonOf } from '../../../config/errors.ts';
import { connectTo, type OpenConnection } from './connect.ts';
import { isAnswer, isLost, NoServerError } from './errors.ts';

/** How long a server that failed is left, in milliseconds. */
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;

interface State {
  readonly server: DatabaseServer;
  /** In milliseconds; 0 for a server that has not failed since it last answered. */
  pause: number;
  /** When its pause ends, in milliseconds since 1970. */
  retryAt: number;
  /** Whether a connection is trying out a server that failed, so that others go on to the next meanwhile. */
  isTried: boolean;
}

interface Failure {
  server: DatabaseServer;
  error: unknown;
}

/** While no server gives any answer. */
interface Outage {
  /** Both in milliseconds since 1970. Until `retryAt` a server is not asked for each request that would wait for it. */
  since: number;
  retryAt: number;
  reasons: string;
}

export class Servers {
  readonly #states: State[];
  #outage: Outage | undefined;

  /** @param url a valid DATABASE_URL of MySQL. */
  constructor(url: string) {
    const servers = databaseServers(url);
    this.#states = servers.map((server) => ({ server, pause: 0, retryAt: 0, isTried: false }));
  }

  get areSeveral(): boolean {
    return this.#states.length > 1;
  }

  /**
   * @returns a connection to a server that takes writes; to one that only reads when no other answers.
   * @throws {NoServerError} when none answers.
   */
  async open(): Promise<OpenConnection> {
    const outage = this.#outage;
    if (outage && Date.now() < outage.retryAt) throw new NoServerError(outage.reasons, true, outage.since);
    // One asks, and the others get the answer of before meanwhile.
    if (outage) outage.retryAt = Number.POSITIVE_INFINITY;
    const failures: Failure[] = [];
    const opened = await this.#openFirst(failures);
    const now = Date.now();
    const reasons = failures.map(({ server, error }) => `${server.name}: ${reasonOf(error)}`).join('; ');
    const isSilent = opened === undefined && !failures.some(({ error }) => isAnswer(error));
    this.#outage = isSilent
      ? { since: outage?.since ?? now, retryAt: now + SHORTEST_PAUSE, reasons }
      : undefined;
    if (opened) return opened;
    const isRetryable = failures.some(({ error }) => isLost(error));
    throw new NoServerError(reasons, isRetryable, this.#outage?.since ?? now);
  }

  /** @param failures gets why servers did not answer. */
  async #openFirst(failures: Failure[]): Promise<OpenConnection | undefined> {
    const { ready = [], paused = [] } = Object.groupBy(this.#states, ({ isTried, retryAt }) =>
      isTried || retryAt > Date.now() ? 'paused' : 'ready',
    );
    paused.sort((a, b) => a.retryAt - b.retryAt);
    let reader: OpenConnection | undefined;
    for (const state of [...ready, ...paused]) {
      if (reader && paused.includes(state)) break;
      try {
        const opened = await this.#try(state);
        if (opened.isReadOnly && reader === undefined) reader = opened;
        else if (opened.isReadOnly) opened.socket.destroy();
        else {
          reader?.socket.destroy();
          return opened;
        }
      } catch (error) {
        failures.push({ server: state.server, error });
      }
    }
    return reader;
  }

  async #try(state: State): Promise<OpenConnection> {
    state.isTried = state.pause > 0;
    try {
      const opened = await connectTo(state.server);
      state.pause = 0;
      state.retryAt = 0;
      return opened;
    } catch (error) {
      this.leave(state.server);
      throw error;
    } finally {
      state.isTried = false;
    }
  }

  /** Lets new connections go to other servers until the pause of this one is over. */
  leave(server: DatabaseServer): void {
    const now = Date.now();
    const state = this.#states.find((each) => each.server === server);
    // Connections that fail together count once.
    if (!state || state.retryAt > now) return;
    state.pause = Math.min(Math.max(2 * state.pause, SHORTEST_PAUSE), LONGEST_PAUSE);
    state.retryAt = now + state.pause;
  }
}
