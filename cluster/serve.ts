/** Serves requests in this process, which is a worker or the only process. */
import { createApp } from '../app.ts';
import type { Settings } from '../config/load.ts';
import { DRAIN_DEADLINE, watchConnections } from './drain.ts';

export interface Serving {
  /** Such as http://127.0.0.1:5000. */
  url: string;
  /** Stops listening, answers the requests in progress, and closes the database. */
  stop(): Promise<void>;
}

/** @throws {Error} when the database is unavailable or the address is in use. */
export async function serve(settings: Settings): Promise<Serving> {
  const app = await createApp({ settings, worker: true });
  const closeConnections = watchConnections(app.server, app.connections);
  try {
    await app.listen({ host: settings.HOST, port: settings.PORT });
  } catch (error) {
    await app.close();
    throw error;
  }
  const address = app.server.address();
  const port = typeof address === 'object' ? address?.port : settings.PORT;
  const host = settings.HOST.includes(':') ? `[${settings.HOST}]` : settings.HOST;
  return {
    url: `http://${host}:${port}`,
    async stop() {
      const deadline = setTimeout(() => app.server.closeAllConnections(), DRAIN_DEADLINE);
      const closed = app.close();
      closeConnections();
      await closed;
      clearTimeout(deadline);
    },
  };
}
