/** Two MariaDB servers, of which one takes over what the other one writes, and can take its place. */
import { until } from './running.ts';
import type { OwnServer } from './test-server.ts';

/** A COMMIT is answered once the replica has it as well, or none is there. */
export const replicationFlags = (id: number) => [
  // What was committed survives kill -9, as far as the system has it.
  '--innodb-flush-log-at-trx-commit=2',
  ...['--log-bin', `--server-id=${id}`, '--log-slave-updates', '--gtid-strict-mode'],
  ...[
    '--rpl-semi-sync-master-enabled',
    '--rpl-semi-sync-slave-enabled',
    '--rpl-semi-sync-master-wait-no-slave=OFF',
  ],
];

/** Lets the server take over what the other one writes, and write nothing itself. */
export async function follow(replica: OwnServer, primary: OwnServer): Promise<void> {
  await replica.query('SET GLOBAL read_only = ON');
  await replica.query('STOP SLAVE');
  await replica.query(
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = 'root',
       MASTER_USE_GTID = slave_pos, MASTER_DEMOTE_TO_SLAVE = 1, MASTER_CONNECT_RETRY = 1`,
  );
  await replica.query('START SLAVE');
  await until('COMMIT waits for the replica', async () => {
    const [status] = await primary.query("SHOW STATUS LIKE 'Rpl_semi_sync_master_status'");
    const [clients] = await primary.query("SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'");
    return (status?.Value === 'ON' && clients?.Value === '1') || undefined;
  });
}

/** Waits until the replica has written all that it has received, and lets it write. */
export async function promote(replica: OwnServer): Promise<void> {
  await replica.query('STOP SLAVE IO_THREAD');
  await until('the replica has written all that it has received', async () => {
    const [status] = await replica.query('SHOW SLAVE STATUS');
    const [position] = await replica.query('SELECT @@GLOBAL.gtid_slave_pos AS written');
    return status?.Gtid_IO_Pos === position?.written || undefined;
  });
  await replica.query('STOP SLAVE');
  await replica.query('SET GLOBAL read_only = OFF');
}
