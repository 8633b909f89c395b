/**
 * Starts a Galera cluster of three nodes on this machine for tests of what holds across nodes. The options are those of
 * docs/operations.md.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestEngine } from './engines.ts';
import { findServer, freePort } from './mysql-server.ts';
import { PROJECT } from './processes.ts';
import { until } from './running.ts';
import { databaseName, OwnServer } from './test-server.ts';

/** As root, rsync's daemon drops to nobody, and can't write what a joining node gets. */
const ACCOUNT = 'mysql';

const PROVIDERS = ['galera', 'galera-4', '.'].flatMap((folder) =>
  ['/usr/lib', '/usr/lib64'].map((library) => join(library, folder, 'libgalera_smm.so')),
);

/** @returns the path of Galera's library, or undefined when it is not installed with MariaDB. */
export function findGalera(): string | undefined {
  return findServer()?.endsWith('mariadbd') ? PROVIDERS.find((path) => existsSync(path)) : undefined;
}

/** The ports of a node: its own for the group, for a whole copy of the database, and for what it has missed. */
interface Ports {
  group: number;
  copy: number;
  missed: number;
}

/** @returns the options of a node that docs/operations.md shows. */
function documentedOptions(): Record<string, string> {
  const page = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
  const [, block = ''] = /^```ini\n\[mysqld\]\n(binlog_format.*?)^```/ms.exec(page) ?? [];
  return Object.fromEntries(
    block
      .trim()
      .split('\n')
      .map((line) => line.split(' = ')),
  );
}

class GaleraNode extends OwnServer {
  constructor(provider: string, ports: Ports, all: Ports[]) {
    const local = (port: number) => `127.0.0.1:${port}`;
    const documented = documentedOptions();
    const options = {
      ...documented,
      wsrep_provider: provider,
      wsrep_cluster_address: `gcomm://${all.map(({ group }) => local(group)).join()}`,
      wsrep_node_address: local(ports.group),
      wsrep_sst_receive_address: local(ports.copy),
      wsrep_provider_options: [
        documented.wsrep_provider_options,
        `gmcast.listen_addr=tcp://${local(ports.group)}`,
        `ist.recv_addr=${local(ports.missed)}`,
        'gcache.size=16M',
      ].join(';'),
      // What a killed node has lost, it gets from the others.
      innodb_flush_log_at_trx_commit: '0',
      max_connections: '500',
    };
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    super(flags, ACCOUNT);
  }

  /** Starts the node, or starts it again. @returns when it has all that the others have. */
  override async start(more: string[] = []): Promise<void> {
    if (process.getuid?.() === 0) await promisify(execFile)('chown', [ACCOUNT, this.folder]);
    await super.start(more);
    await this.#hasStatus('wsrep_local_state_comment', 'Synced');
  }

  /** Lets new connections of tests, which set nothing themselves, read what other nodes have committed. Until the node starts again. */
  async waitsForOthers(): Promise<void> {
    await this.query('SET GLOBAL wsrep_sync_wait = 15');
  }

  /** Waits until the node knows of so many nodes, itself included. */
  async seesNodes(count: number): Promise<void> {
    await this.#hasStatus('wsrep_cluster_size', String(count));
  }

  async #hasStatus(name: string, wanted: string): Promise<void> {
    await until(`${name} is ${wanted}`, async () => {
      const [row] = await this.query(`SHOW STATUS LIKE '${name}'`);
      return row?.Value === wanted || undefined;
    });
  }

  /** Also ends the daemon by which a node that is just joining gets the database. */
  override async kill(signal: NodeJS.Signals): Promise<void> {
    await super.kill(signal);
    if (signal !== 'SIGKILL') return;
    const file = join(this.folder, 'data', 'rsync_sst.pid');
    if (!existsSync(file)) return;
    try {
      process.kill(Number(readFileSync(file, 'utf8')), signal);
    } catch {
      // It has ended by itself.
    }
  }
}

export class GaleraCluster {
  readonly nodes: [GaleraNode, GaleraNode, GaleraNode];

  private constructor(provider: string, ports: [Ports, Ports, Ports]) {
    const [first, second, third] = ports;
    const make = (own: Ports) => new GaleraNode(provider, own, ports);
    this.nodes = [make(first), make(second), make(third)];
  }

  /** Makes a cluster that `start` starts. @throws {Error} where Galera is not installed. */
  static async make(): Promise<GaleraCluster> {
    const provider = findGalera();
    if (!provider) throw new Error('MariaDB with Galera is not installed: mariadb-server, galera-4, rsync.');
    const ports = async () => ({ group: await freePort(), copy: await freePort(), missed: await freePort() });
    return new GaleraCluster(provider, [await ports(), await ports(), await ports()]);
  }

  async start(): Promise<void> {
    const [first, ...others] = this.nodes;
    await first.start(['--wsrep-new-cluster']);
    // One after the other: a node that gives its database to another one can't give it to a second.
    for (const node of others) await node.start();
  }

  /** A test engine that makes its databases on the cluster, and whose second instances use the second node. */
  readonly engine: TestEngine = {
    name: 'MySQL',
    makeDatabase: () => this.nodes[0].makeDatabase(),
    elsewhere: (databaseUrl) => this.through(databaseUrl, 1),
  };

  /** @returns the URL of the same database on another node. */
  through(databaseUrl: string, index: 0 | 1 | 2): string {
    return `${this.nodes[index].url}/${databaseName(databaseUrl)}`;
  }

  /** @returns the URL of the database that names all nodes, the first one first. */
  throughAll(databaseUrl: string): string {
    const servers = this.nodes.map(({ port }) => `127.0.0.1:${port}`);
    return databaseUrl.replace(new URL(databaseUrl).host, servers.join());
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}
