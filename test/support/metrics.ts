/** Reads metrics in tests, as Prometheus does. */
import type { Server } from './processes.ts';

/** @returns the address of the metrics, from the report of a service that was started with METRICS_PORT. */
export function metricsUrl({ output }: Server): string {
  const [, url] = /^ {2}metrics +(http:\S+)$/m.exec(output.stdout) ?? [];
  if (url === undefined) throw new Error(`No address of metrics was printed: ${output.stdout}`);
  return url;
}

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** @returns the values in the text. @throws on a line that is none. */
export function samplesOf(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`This is no value: ${line}`);
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** @returns the sum of the values of that name with these labels; undefined when there is none. */
export function sumOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const found = samplesOf(text).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** @returns the names of the metrics that the text describes. */
export const namesIn = (text: string): string[] =>
  [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);

/** @returns the names of metrics that the text mentions, without what a histogram adds to its name. */
export function namesMentioned(text: string): Set<string> {
  const found = text.match(/\b(?:rollcall|process|nodejs)_[a-z0-9_]+/g) ?? [];
  return new Set(found.map((name) => name.replace(/_(bucket|sum|count)$/, '')));
}
