/** Serves requests in a worker. */
import { createApp } from '../app.ts';
import { reasonOf } from '../config/errors.ts';
import type { Settings } from '../config/load.ts';
import { drain } from './drain.ts';
import { refuseAddress } from './listener.ts';
import type { Metrics } from './messages.ts';

export interface Serving {
  /** @returns the values of its metrics, none without METRICS_PORT. */
  metrics(): Promise<Metrics>;
  /** Takes whether the database can be written. */
  tellWritable(isWritable: boolean): void;
  /** Tells probes that the service stops, if it does. Answers all requests that have reached this process, stops listening, and closes the database. */
  stop(serviceStops: boolean): Promise<void>;
}

/**
 * @param socket what the primary has bound (see listener.ts).
 * @param onUnavailable takes the reason of each request that failed because the database can't serve.
 * @throws {Error} when the database is unavailable or the address is in use.
 */
export async function serve(
  settings: Settings,
  socket: unknown,
  onUnavailable: (reason: string) => void,
): Promise<Serving> {
  const app = await createApp({ settings, worker: true, onUnavailable });
  // Node listens on the handle, whatever the host. Without one, Fastify would listen at the addresses of localhost as well.
  const address = { handle: socket, host: '' };
  try {
    await app.listen(address);
  } catch (error) {
    await app.close();
    // Two services that start at once can both bind a port, and one of them listens.
    throw refuseAddress(settings, reasonOf(error));
  }
  return {
    metrics: async () => (await app.metrics?.getMetricsAsJSON()) ?? [],
    tellWritable(isWritable) {
      app.health.isWritable = isWritable;
    },
    async stop(serviceStops) {
      app.stopping = serviceStops;
      await drain(app.server, app.connections);
      await app.close();
    },
  };
}
