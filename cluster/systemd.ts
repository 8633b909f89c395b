/**
 * Tells systemd how the service is (Type=notify). Node has no datagram sockets, so the program systemd-notify sends each message. It is
 * another process than the one that systemd started, so the unit needs NotifyAccess=all. Without NOTIFY_SOCKET nothing is sent.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { ReloadReply } from '../config/control.ts';

const execute = promisify(execFile);

/** In milliseconds. */
const DEADLINE = 5_000;

export class Systemd {
  readonly #log: Logger;
  readonly #isUsed = process.env.NOTIFY_SOCKET !== undefined;
  /** Messages are sent one after the other. */
  #sending: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #status = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  /**
   * The service is ready. From now on, systemd's watchdog is told that it is well.
   * @param status a line for `systemctl status`. @param isWell whether the service can serve at that moment.
   */
  ready(status: string, isWell: () => boolean): void {
    this.#status = status;
    this.#send('READY=1', `STATUS=${status}`);
    const { WATCHDOG_USEC = '0', WATCHDOG_PID } = process.env;
    const period = Number(WATCHDOG_USEC) / 1000;
    if (!this.#isUsed || !(period > 0) || (WATCHDOG_PID ?? String(process.pid)) !== String(process.pid))
      return;
    // A timer, so that an event loop that hangs tells nothing.
    setInterval(() => isWell() && this.#send('WATCHDOG=1'), period / 2).unref();
  }

  /** A reload has begun. However it ends, the service is ready then. */
  reloading(ended: Promise<ReloadReply>): void {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#send('RELOADING=1', `MONOTONIC_USEC=${microseconds}`, 'STATUS=A reload is under way.');
    void ended.then(({ failure }) => {
      const outcome = failure === undefined ? '' : ` The last reload failed: ${failure.replace(/\s+/g, ' ')}`;
      this.#send('READY=1', `STATUS=${this.#status}${outcome}`);
    });
  }

  /** The service stops. Resolves when all messages are sent. */
  stopping(): Promise<void> {
    this.#send('STOPPING=1', 'STATUS=The requests in progress are answered.');
    return this.#sending;
  }

  #send(...assignments: string[]): void {
    if (!this.#isUsed) return;
    this.#sending = this.#sending.then(async () => {
      try {
        await execute('systemd-notify', assignments, { timeout: DEADLINE, killSignal: 'SIGKILL' });
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) this.#log.warn({ err: error }, 'systemd could not be told how the service is');
        this.#hasFailed = true;
      }
    });
  }
}
