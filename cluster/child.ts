/** One process of the service, as the primary sees it: from its fork to its end. */
import type { ChildProcess } from 'node:child_process';
import type { BoundSocket } from 'node:net';
import type { Logger } from 'pino';
import { DRAIN_DEADLINE } from './drain.ts';
import {
  type FromMaintainer,
  type FromWorker,
  HEARTBEAT,
  type ToMaintainer,
  type ToWorker,
} from './messages.ts';

declare module 'node:child_process' {
  interface ChildProcess {
    send(message: ToWorker | ToMaintainer, socket?: BoundSocket): boolean;
  }
}

/** Half of V8's default for new objects saves memory in each process; a quarter costs 3 % of each request, for garbage collection. */
export const CHILD_FLAGS = ['--max-semi-space-size=8'];
/** glibc's default of eight heaps for each processor leaves most of them empty; measured in docs/performance.md. */
export const CHILD_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

/** In milliseconds: a process that needs longer for one of the steps of its start is ended. */
const START_DEADLINE = 60_000;
/** In milliseconds. A worker gives up on its connections before it is killed. */
const KILL_DEADLINE = DRAIN_DEADLINE + 2_000;

type FromChild = FromWorker | FromMaintainer;
type Kind = FromChild['kind'];

const isOfKind = <K extends Kind>(message: FromChild, kind: K): message is Extract<FromChild, { kind: K }> =>
  message.kind === kind;

/** All processes of the service but the primary. */
export const living = new Set<Child>();

export class Child {
  state: 'starting' | 'ready' | 'draining' = 'starting';
  /** Settles when the process has ended, with the reason. */
  readonly exited: Promise<string>;
  /** Such as "a worker". */
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #log: Logger;
  readonly #mostMissed: number;
  #cause: string | undefined;
  #missed = 0;

  /** @param mostMissed after so many heartbeats without a sign of life, the process hangs and is killed. */
  constructor(name: string, child: ChildProcess, log: Logger, mostMissed: number) {
    this.#name = name;
    this.#mostMissed = mostMissed;
    this.#process = child;
    this.#log = log;
    child.on('message', (message: FromChild) => {
      this.#missed = 0;
      if (isOfKind(message, 'failed')) this.#cause = message.reason;
    });
    this.exited = this.#watch();
    living.add(this);
    void this.exited.then(() => living.delete(this));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Calls back with each message of that kind. */
  on<K extends Kind>(kind: K, listener: (message: Extract<FromChild, { kind: K }>) => void): void {
    this.#process.on('message', (message: FromChild) => {
      if (isOfKind(message, kind)) listener(message);
    });
  }

  /** Sends nothing to a process that ends or has ended: there is no port to give away any more. */
  send(message: ToWorker | ToMaintainer, socket?: BoundSocket): void {
    if (this.#process.connected && this.state !== 'draining') this.#process.send(message, socket);
  }

  /** @returns the next message of that kind. @throws {Error} with the reason when the process ends without it. */
  async next<K extends Kind>(kind: K): Promise<Extract<FromChild, { kind: K }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<FromChild, { kind: K }>>();
    const listener = (message: FromChild) => {
      if (isOfKind(message, kind)) resolve(message);
    };
    this.#process.on('message', listener);
    const ended = this.exited.then((cause) => {
      throw new Error(this.#cause ?? `${this.#name} ended during its start (${cause})`);
    });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      this.#process.off('message', listener);
    }
  }

  /** @returns the same as `next`, and kills a process that needs longer than a minute. @param step such as "become ready". */
  async nextInTime<K extends Kind>(kind: K, step: string): Promise<Extract<FromChild, { kind: K }>> {
    const cause = `${this.#name} did not ${step} within ${START_DEADLINE / 1000} seconds`;
    const deadline = setTimeout(() => this.kill(cause), START_DEADLINE);
    try {
      return await this.next(kind);
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Lets the process complete what is in progress. Resolves when it has ended; it is killed when that takes too long. */
  async stop({ serviceStops = false } = {}): Promise<void> {
    this.send({ kind: 'stop', serviceStops });
    this.state = 'draining';
    const deadline = setTimeout(() => {
      this.#log.error({ process: this.pid }, 'a process did not stop in time and is killed');
      this.kill('it did not stop in time');
    }, KILL_DEADLINE);
    await this.exited;
    clearTimeout(deadline);
  }

  /** @param cause what `exited` tells. */
  kill(cause: string): void {
    this.#cause ??= cause;
    this.#process.kill('SIGKILL');
  }

  /** @returns when the process has ended, with the reason. */
  #watch(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    // Counted by a timer of this process, which stands still while the machine sleeps or the primary is stopped.
    const heartbeats = setInterval(() => {
      if (this.state === 'ready' && ++this.#missed > this.#mostMissed)
        this.kill(`it hung for ${(this.#mostMissed * HEARTBEAT) / 1000} seconds`);
    }, HEARTBEAT).unref();
    const end = (cause: string) => {
      clearInterval(heartbeats);
      resolve(this.#cause ?? cause);
    };
    let exit: string | undefined;
    // Its last message may come after its exit, but never after the end of the channel.
    const endIfOver = () => {
      if (exit !== undefined && !this.#process.connected) end(exit);
    };
    this.#process.on('disconnect', endIfOver);
    this.#process.on('exit', (code, signal) => {
      exit = signal ?? `exit code ${code}`;
      endIfOver();
    });
    // Without a listener, sending to a process that has just died would end the primary.
    this.#process.on('error', (error) => {
      if (this.pid === undefined) end(error.message);
      else this.#log.warn({ err: error, process: this.pid }, 'a message to a process could not be sent');
    });
    return promise;
  }
}
