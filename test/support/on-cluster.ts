/** Runs tests on a Galera cluster of their own. */
import { type Test, test } from 'tap';
import { findGalera, GaleraCluster } from './galera.ts';

/**
 * Runs the tests on a new cluster. Skips them where Galera is not installed; with REQUIRE_GALERA=1 that is a failure. Call it once in a
 * file, because it ends the process after the tests.
 */
export function onCluster(name: string, tests: (t: Test, cluster: GaleraCluster) => Promise<void>): void {
  const ended = test(name, async (t) => {
    if (!findGalera()) {
      t.comment(
        `Skipped, because MariaDB with Galera is not installed (mariadb-server, galera-4, rsync): ${name}`,
      );
      t.not(process.env.REQUIRE_GALERA, '1', 'REQUIRE_GALERA=1 is set, so these tests must not be skipped');
      return;
    }
    const cluster = await GaleraCluster.make();
    t.teardown(() => cluster.remove());
    await cluster.start();
    await tests(t, cluster);
  });
  // As in onOwnServer.
  void ended.then(() => setTimeout(() => process.exit(), 500).unref());
}
