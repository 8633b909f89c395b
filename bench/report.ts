/** Formats the results as Markdown tables. */
import type { Measurement } from './compare.ts';
import type { FloodResult } from './flood.ts';
import type { LatencyRow } from './latency.ts';
import type { Load } from './request.ts';
import { requestsIn, type ScaleRow } from './scale.ts';
import type { StartResult } from './start.ts';

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function comparisonTable(measured: Measurement[]): string {
  const head = [
    'engine',
    'request',
    'contender',
    'CPU µs',
    'ratio',
    'a second',
    'p50 ms',
    'p99 ms',
    'MB',
    'not 2xx',
  ];
  const rows = measured.map((each) => [
    ...[each.engine, each.row, each.contender, each.cpu.toFixed(1), each.ratio?.toFixed(2) ?? ''],
    ...[each.perSecond.toFixed(0), each.p50.toFixed(2), each.p99.toFixed(2), each.memory.toFixed(0)],
    String(each.other),
  ]);
  return table(head, rows);
}

export function scaleTable(rows: ScaleRow[]): string {
  const names = requestsIn(rows);
  const head = ['engine', 'users', 'filled in s', 'MB', ...names.map((name) => `${name}, CPU µs`)];
  const cells = rows.map(({ engine, users, filled, size, cpu, ratio }) => [
    ...[engine, users.toLocaleString('en'), filled.toFixed(1), size.toFixed(0)],
    ...names.map((name) => (name in cpu ? `${cpu[name]?.toFixed(0)} (${ratio[name]?.toFixed(2)} ×)` : '')),
  ]);
  return table(head, cells);
}

export function floodTable(results: FloodResult[]): string {
  const head = [
    'engine',
    '',
    'signed in, a second',
    'turned away, a second',
    'reads a second',
    'p50 ms',
    'p99 ms',
  ];
  const read = ({ perSecond, p50, p99, other }: Load) => {
    if (other > 0) throw new Error(`${other} of the reads were not answered with 2xx.`);
    return [perSecond.toFixed(0), p50.toFixed(1), p99.toFixed(1)];
  };
  const rows = results.flatMap(({ engine, capacity, quiet, flooded, ratio, signedIn, refused }) => {
    const [perSecond = '', p50 = '', p99 = ''] = read(flooded);
    const what = `ten times ${capacity.toFixed(0)} sign-ins a second`;
    return [
      [engine, 'quiet', '', '', ...read(quiet)],
      [
        engine,
        what,
        signedIn.toFixed(0),
        refused.toFixed(0),
        perSecond,
        p50,
        `${p99} (${ratio.toFixed(1)} ×)`,
      ],
    ];
  });
  return table(head, rows);
}

export function startTable(results: StartResult[]): string {
  const rows = results.map(({ engine, what, milliseconds, memory }) => [
    ...[engine, what, milliseconds.toFixed(0), memory.map((each) => each.toFixed(0)).join(', ')],
  ]);
  return table(['engine', '', 'first answer, ms', 'MB of each process'], rows);
}

export function latencyTable(rows: LatencyRow[]): string {
  const cells = rows.map(({ engine, what, row, p50, p99, roundTrips }) => [
    ...[engine, what, row, p50.toFixed(2), p99.toFixed(2), roundTrips?.toFixed(2) ?? ''],
  ]);
  return table(['engine', '', 'request', 'p50 ms', 'p99 ms', 'round trips'], cells);
}
