/** What the metrics tell of the database itself. It is the same for all hosts that share one. */
import { Gauge, type Registry } from 'prom-client';
import type { Engine } from '../db/engines/engine.ts';
import type { Health } from '../db/health.ts';
import { inspect } from '../db/migrate/migrator.ts';
import { sessionCount } from '../db/queries/session-count.ts';

/** In milliseconds. A million sessions are counted in some tens of milliseconds; measured in docs/performance.md. */
const INTERVAL = 60_000;

export class DatabaseMetrics {
  readonly #sessions: Gauge;
  readonly #pending: Gauge;
  #health: Health | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#sessions = new Gauge({
      name: 'rollcall_sessions',
      help: 'Sessions that have not ended, counted once a minute.',
      registers,
    });
    this.#pending = new Gauge({
      name: 'rollcall_migrations_pending',
      help: 'Migrations that the database lacks, looked for once a minute.',
      registers,
    });
    const health = () => this.#health;
    new Gauge({
      name: 'rollcall_database_up',
      help: 'Whether the database can be read and written, tried each second.',
      labelNames: ['operation'],
      registers,
      collect() {
        const known = health();
        if (!known) return;
        for (const operation of ['read', 'write'] as const)
          this.set({ operation }, known.works(operation) ? 1 : 0);
      },
    });
  }

  /** Watches the database by this engine from now on, in place of another. @param health tells whether it works. */
  async watch(engine: Engine, health: Health): Promise<void> {
    this.#health = health;
    const countSessions = sessionCount(engine);
    const read = async () => {
      try {
        this.#pending.set((await inspect(engine)).pending.length);
        this.#sessions.set(await countSessions(Date.now()));
      } catch {
        // The last values stay. That the database fails is told elsewhere.
      }
    };
    this.stop();
    await read();
    this.#timer = setInterval(read, INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
