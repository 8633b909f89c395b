/** One process that serves: the whole service in a single one, or one of many workers. */
import { createApp } from '../app.ts';
import type { Settings } from '../config/load.ts';
import { DRAIN_DEADLINE } from './deadlines.ts';
import { watchConnections } from './drain.ts';

export interface Serving {
  /** Where it listens, such as http://127.0.0.1:5000. */
  url: string;
  /** Answers what has been asked, takes nothing new, and closes the database. */
  stop(): Promise<void>;
}

/** @throws when the database or the address can't be had. */
export async function serve(settings: Settings): Promise<Serving> {
  const app = await createApp({ settings, worker: true });
  const endConnections = watchConnections(app.server);
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
      endConnections();
      await closed;
      clearTimeout(deadline);
    },
  };
}
