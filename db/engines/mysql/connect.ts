/** Opens a connection to one MySQL or MariaDB server, and sets its session up so that the server's defaults do not matter. */
import { createConnection, type Socket } from 'node:net';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import type { DatabaseServer } from '../../../config/database-url.ts';

/** How long a server may take to answer a new connection, in milliseconds. */
const CONNECT_TIMEOUT = 2_000;

// These override the server's defaults: some servers ignore the handshake's character set; strict mode rejects wrong
// values instead of truncating them; REPEATABLE READ makes reads in an UPDATE lock; the lock timeout is no longer than
// clients wait. Without autocommit, or with completion_type CHAIN, a connection would keep an old snapshot and show
// ended sessions. InnoDB has transactions and foreign keys.
const SESSION_SETTINGS = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, autocommit = 1, completion_type = 0,
     foreign_key_checks = 1, sql_safe_updates = 0, default_storage_engine = InnoDB`,
];

/**
 * On a Galera cluster, each SELECT and each START TRANSACTION waits until the node has applied what any node had committed by then:
 * what has ended on one node is over on all. Writes need no more, since all of them are in transactions.
 */
const SYNC_WAIT = 'SET SESSION wsrep_sync_wait = 1';

/** A connection with what the pool needs to know of it. */
export interface OpenConnection {
  readonly server: DatabaseServer;
  readonly connection: Connection;
  readonly socket: Socket;
  /** When it was opened, and when it was last taken from the pool or put back. In milliseconds since 1970. */
  readonly openedAt: number;
  usedAt: number;
  /** Whether its server takes no writes, as far as this process knows. */
  isReadOnly: boolean;
  /** Whether its server is a node of a Galera cluster. */
  readonly isGalera: boolean;
}

/** @throws the error of the driver or the server, also when the server does not answer in time. */
export async function connectTo(server: DatabaseServer): Promise<OpenConnection> {
  const socket = createConnection({
    ...server.address,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
  // A socket of our own, since mysql2's `destroy` leaves a statement that waits for its answer waiting.
  const timer = setTimeout(() => socket.destroy(new Error('connect ETIMEDOUT')), CONNECT_TIMEOUT);
  try {
    const connection = await mysql.createConnection({
      uri: server.url,
      stream: socket,
      charset: 'utf8mb4_bin',
      timezone: 'Z',
      connectTimeout: 0,
      supportBigNumbers: true,
      // Else each statement takes a stack trace, for the case that it fails: a tenth of the cost of a read.
      trace: false,
    });
    // An error outside of a statement closes the socket, which the pool sees.
    connection.on('error', () => {});
    for (const sql of SESSION_SETTINGS) await connection.query(sql);
    const { isReadOnly, isGalera } = await askServer(connection);
    if (isGalera) await connection.query(SYNC_WAIT);
    const now = Date.now();
    return { server, connection, socket, openedAt: now, usedAt: now, isReadOnly, isGalera };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** @returns whether the server takes no writes, and whether it is a node of a Galera cluster. @throws as `connectTo` does. */
export async function askServer(connection: Connection): Promise<{ isReadOnly: boolean; isGalera: boolean }> {
  // The second variable is that of Aurora's readers. The values are words, of which newer servers have more than ON and OFF.
  const [rows] = await connection.query<RowDataPacket[]>(
    "SHOW VARIABLES WHERE Variable_name IN ('read_only', 'innodb_read_only', 'wsrep_on')",
  );
  const values = new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
  const isOn = (name: string) => (values.get(name) ?? 'OFF') !== 'OFF';
  return { isReadOnly: isOn('read_only') || isOn('innodb_read_only'), isGalera: isOn('wsrep_on') };
}
