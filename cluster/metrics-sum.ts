/**
 * Asks all workers for their metrics and adds them up. prom-client's own collecting gives nothing at all when one worker hangs, and
 * forgets a worker that has ended; this one gives the rest, says which is missing, and keeps the sums.
 */
import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, Gauge, Registry } from 'prom-client';
import { type FromWorker, METRICS_DEADLINE, type Metrics } from './messages.ts';

type Pid = number | undefined;

/** What the primary knows of a worker. */
export interface WorkerState {
  number: number;
  pid: Pid;
  state: string;
}

/** Adds up the values of the same name and labels. */
const add = (metrics: Metrics[]) => AggregatorRegistry.aggregate(metrics);

/** @returns what belongs to the service, and not to one worker. */
const shared = (metrics: Metrics): Metrics =>
  metrics.map((metric) => ({
    ...metric,
    values: metric.values.filter(({ labels }) => !('worker' in labels)),
  }));

/** @returns the same with the number of the worker, which does not know it itself. */
const numbered = (metrics: Metrics, worker: number): Metrics =>
  metrics.map((metric) => ({
    ...metric,
    values: metric.values.map((value) =>
      'worker' in value.labels ? { ...value, labels: { ...value.labels, worker } } : value,
    ),
  }));

export class MetricsSum {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry: Registry;
  readonly #readMaintainer: () => Promise<Metrics>;
  readonly #workers: () => Iterable<WorkerState>;
  readonly #up: Gauge<'worker'>;
  readonly #maintainerUp: Gauge;
  /** What each worker told last. */
  readonly #latest = new Map<Pid, Metrics>();
  /** The sums of workers that have ended. Without them a sum would fall, which Prometheus takes for a new start of the whole service. */
  #ended: Promise<Metrics> = Promise.resolve([]);
  #collecting: Promise<string> | undefined;

  /**
   * @param registry the metrics of the primary itself.
   * @param readMaintainer gives those of the maintainer.
   * @param workers gives the workers of the service, older ones first.
   */
  constructor(
    registry: Registry,
    readMaintainer: () => Promise<Metrics>,
    workers: () => Iterable<WorkerState>,
  ) {
    this.#registry = registry;
    this.#readMaintainer = readMaintainer;
    this.#workers = workers;
    this.#up = new Gauge({
      name: 'rollcall_worker_up',
      help: 'Whether the worker told its metrics in time. If not, the sums have what it told last.',
      labelNames: ['worker'],
      registers: [registry],
    });
    this.#maintainerUp = new Gauge({
      name: 'rollcall_maintainer_up',
      help: 'Whether the maintainer told its metrics in time.',
      registers: [registry],
    });
    cluster.on('message', ({ process: { pid } }, message: FromWorker) => {
      if (message.kind === 'metrics') this.#latest.set(pid, message.metrics);
    });
    // After the last message, unlike the event 'exit'.
    cluster.on('disconnect', ({ process: { pid } }) => {
      const latest = shared(this.#latest.get(pid) ?? []);
      this.#latest.delete(pid);
      this.#ended = this.#ended.then((ended) => add([ended, latest]).getMetricsAsJSON());
    });
  }

  /** @returns all metrics as text for Prometheus. Those who ask at once get the same. */
  text(): Promise<string> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  async #collect(): Promise<string> {
    const [missing, maintainer] = await Promise.all([this.#ask(), this.#readMaintainer()]);
    const numbers = new Map<Pid, number>();
    this.#up.reset();
    this.#maintainerUp.set(maintainer.length > 0 ? 1 : 0);
    for (const { state, pid, number } of this.#workers()) {
      if (state !== 'ready') continue;
      this.#up.set({ worker: number }, missing.has(pid) ? 0 : 1);
      if (!missing.has(pid)) numbers.set(pid, number);
    }
    const parts = [this.#ended];
    for (const [pid, latest] of this.#latest) {
      const number = numbers.get(pid);
      parts.push(Promise.resolve(number === undefined ? shared(latest) : numbered(latest, number)));
    }
    return add([...(await Promise.all([...parts, this.#registry.getMetricsAsJSON()])), maintainer]).metrics();
  }

  /** Asks all workers, and waits for them. @returns those that did not answer in time. */
  async #ask(): Promise<ReadonlySet<Pid>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const missing = new Set<Pid>();
    const heard = ({ process: { pid } }: Worker, message?: FromWorker) => {
      if (message && message.kind !== 'metrics') return;
      missing.delete(pid);
      if (missing.size === 0) resolve();
    };
    for (const worker of Object.values(cluster.workers ?? {})) {
      if (!worker?.isConnected()) continue;
      missing.add(worker.process.pid);
      worker.send({ kind: 'tell-metrics' });
    }
    if (missing.size === 0) return missing;
    cluster.on('message', heard).on('disconnect', heard);
    const timer = setTimeout(resolve, METRICS_DEADLINE);
    await promise;
    clearTimeout(timer);
    cluster.off('message', heard).off('disconnect', heard);
    return missing;
  }
}
