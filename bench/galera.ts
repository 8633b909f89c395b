/** Measures what a read on a Galera cluster costs because it waits for what is under way on other nodes (wsrep_sync_wait). */
import { setTimeout as delay } from 'node:timers/promises';
import { databaseServers } from '../config/database-url.ts';
import { connectTo } from '../db/engines/mysql/connect.ts';
import { GaleraCluster } from '../test/support/galera.ts';
import { type Line, median } from './figures.ts';

/** How many reads are measured in a turn. */
const READS = 2_000;
/** The pause between two writes of the other node, in milliseconds. */
const WRITE_PAUSE = 5;

/** Reads a row by its key on one of three nodes, without and with waiting, alone and beside writes on another node. */
export async function measureGalera({ rounds }: { rounds: number }): Promise<Line[]> {
  const cluster = await GaleraCluster.make();
  try {
    await cluster.start();
    const url = await cluster.nodes[0].makeDatabase();
    const writer = (await connectTo(databaseServers(url)[0])).connection;
    const reader = (await connectTo(databaseServers(cluster.through(url, 1))[0])).connection;
    await writer.query('CREATE TABLE counter (id int PRIMARY KEY, value int NOT NULL)');
    await writer.query('INSERT INTO counter VALUES (1, 0)');

    const turn = async (wait: 0 | 1) => {
      await reader.query(`SET SESSION wsrep_sync_wait = ${wait}`);
      const times: number[] = [];
      for (let read = 0; read < READS; read++) {
        const begin = performance.now();
        await reader.query('SELECT value FROM counter WHERE id = 1');
        times.push(1000 * (performance.now() - begin));
      }
      times.sort((a, b) => a - b);
      return { median: median(times), late: times[Math.floor(0.99 * READS)] ?? 0 };
    };
    const lines: Line[] = [];
    for (const beside of ['nothing', 'writes on another node']) {
      const stop = new AbortController();
      const writes = (async () => {
        while (beside !== 'nothing' && !stop.signal.aborted) {
          await writer.query('UPDATE counter SET value = value + 1 WHERE id = 1');
          await delay(WRITE_PAUSE);
        }
      })();
      const turns: Record<string, Awaited<ReturnType<typeof turn>>[]> = { without: [], with: [] };
      for (let round = 0; round < rounds; round++) {
        turns.without?.push(await turn(0));
        turns.with?.push(await turn(1));
      }
      stop.abort();
      await writes;
      for (const [what, results] of Object.entries(turns))
        lines.push({
          beside,
          'a read': `${what} waiting`,
          'median, µs': Math.round(median(results.map((each) => each.median))),
          'p99, µs': Math.round(median(results.map((each) => each.late))),
        });
    }
    reader.destroy();
    writer.destroy();
    return lines;
  } finally {
    await cluster.remove();
  }
}
