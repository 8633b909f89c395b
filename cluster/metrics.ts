/** GET /metrics at METRICS_HOST and METRICS_PORT: the metrics of the whole service for Prometheus, from the primary. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Counter, Gauge, type Registry } from 'prom-client';
import { reasonOf } from '../config/errors.ts';
import type { Settings } from '../config/load.ts';
import { SettingsError } from '../config/sources.ts';
import packageJson from '../package.json' with { type: 'json' };
import { makeLog } from '../plugins/log.ts';
import { makeRegistry } from '../plugins/process-metrics.ts';
import type { Metrics } from './messages.ts';
import { MetricsSum, type WorkerState } from './metrics-sum.ts';

/** What the primary knows of the service. */
interface Observed {
  workers: Iterable<WorkerState>;
  restarts: number;
  reloads: { succeeded: number; failed: number };
}

/** So that nobody takes all descriptors of the primary. */
const MOST_CONNECTIONS = 16;
/** In milliseconds: those who send nothing must not keep Prometheus out for long. */
const HTTP_OPTIONS = { headersTimeout: 2_000, requestTimeout: 2_000, connectionsCheckingInterval: 500 };

export class ServiceMetrics {
  /** Such as http://127.0.0.1:9464/metrics. */
  readonly url: string;
  readonly #server: Server;
  #readMaintainer = async (): Promise<Metrics> => [];
  #observed: Observed = { workers: [], restarts: 0, reloads: { succeeded: 0, failed: 0 } };

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
    const registry = makeRegistry('primary');
    this.#addServiceMetrics(registry);
    const log = makeLog('error');
    const sum = new MetricsSum(
      registry,
      () => this.#readMaintainer(),
      () => this.#observed.workers,
    );
    server.on('request', (request, response) => {
      answer(request, response, sum).catch((error) => {
        log.error({ err: error }, 'the metrics could not be told');
        response.writeHead(500).end();
      });
    });
  }

  /** Begins to listen. @throws {SettingsError} when it can't. */
  static async listen(settings: Settings): Promise<ServiceMetrics> {
    const { METRICS_HOST: host, METRICS_PORT: port } = settings;
    const server = createServer(HTTP_OPTIONS).listen(port, host);
    server.maxConnections = MOST_CONNECTIONS;
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new SettingsError([
        `METRICS_HOST is ${host} and METRICS_PORT is ${port}, but the metrics can't be served there: ${reasonOf(error)}. Set an address of this machine and a free port.`,
      ]);
    }
    const address = server.address();
    const bound = typeof address === 'object' ? address?.port : port;
    const named = host.includes(':') ? `[${host}]` : host;
    return new ServiceMetrics(`http://${named}:${bound}/metrics`, server);
  }

  /** Tells of that primary from now on. @param readMaintainer gives the values of the maintainer. */
  observe(primary: Observed, readMaintainer: () => Promise<Metrics>): void {
    this.#observed = primary;
    this.#readMaintainer = readMaintainer;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #addServiceMetrics(registry: Registry): void {
    const registers = [registry];
    const observed = () => this.#observed;
    new Gauge({
      name: 'rollcall_info',
      help: 'The version of the primary.',
      labelNames: ['version'],
      registers,
    }).set({ version: packageJson.version }, 1);
    new Gauge({
      name: 'rollcall_workers',
      help: 'The workers, by their state.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of ['starting', 'ready', 'draining']) this.set({ state }, 0);
        for (const { state } of observed().workers) this.inc({ state });
      },
    });
    new Counter({
      name: 'rollcall_worker_restarts_total',
      help: 'Workers that took the place of one that had ended by itself.',
      registers,
      collect() {
        this.reset();
        this.inc(observed().restarts);
      },
    });
    new Counter({
      name: 'rollcall_reloads_total',
      help: 'Reloads that have ended, by their outcome.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        const { succeeded, failed } = observed().reloads;
        this.inc({ outcome: 'succeeded' }, succeeded);
        this.inc({ outcome: 'failed' }, failed);
      },
    });
  }
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  sum: MetricsSum,
): Promise<void> {
  if (url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end();
  if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  const text = await sum.text();
  response.writeHead(200, { 'content-type': sum.contentType }).end(text);
}
