/** What Node tells of a process: processor time, memory, descriptors, the delay of the event loop. */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** Of prom-client's default metrics, those that an operator looks at, and those by which it measures these. */
const KEPT = new Set([
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_eventloop_lag_max_seconds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_gc_duration_seconds',
]);

/** @returns a registry with the metrics of this process. @param worker the value of their label of that name. */
export function makeRegistry(worker: string): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register, labels: { worker } });
  for (const { name } of register.getMetricsAsArray()) if (!KEPT.has(name)) register.removeSingleMetric(name);
  return register;
}
