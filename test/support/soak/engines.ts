/** The databases of a soak, and what befalls them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { findServer, MysqlServer } from '../mysql-server.ts';
import { makeTemporaryFolder } from '../temporary.ts';

/** How long a database server is frozen, in milliseconds. */
const FREEZE = 3_000;

export interface SoakEngine {
  name: 'sqlite' | 'mariadb';
  url: string;
  /** What may befall the database under a running service, by name. */
  upheavals: Record<string, () => Promise<void>>;
  remove(): Promise<void>;
}

function sqlite(): SoakEngine {
  const folder = makeTemporaryFolder('rollcall-soak-');
  return {
    name: 'sqlite',
    url: `sqlite:${join(folder, 'rollcall.db')}`,
    upheavals: {},
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function mariadb(): Promise<SoakEngine> {
  const server = new MysqlServer(['--skip-log-bin']);
  await server.start();
  const connection = await mysql.createConnection(server.url);
  await connection.query('CREATE DATABASE soak');
  await connection.end();
  return {
    name: 'mariadb',
    url: `${server.url}/soak`,
    upheavals: {
      'the database is frozen': async () => {
        await server.kill('SIGSTOP');
        await delay(FREEZE);
        await server.kill('SIGCONT');
      },
      'the database is killed': async () => {
        await server.kill('SIGKILL');
        await server.start();
      },
    },
    remove: () => server.remove(),
  };
}

/** @returns what makes the databases, one after the other. @param named the only engine to use. */
export function soakEngines(named: string | undefined): (() => SoakEngine | Promise<SoakEngine>)[] {
  const all = findServer() ? { sqlite, mariadb } : { sqlite };
  return Object.entries(all).flatMap(([name, make]) => (named === undefined || named === name ? [make] : []));
}
