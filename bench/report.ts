/** What was measured, as tables to read, in Markdown. */
import type { Measurement } from './compare.ts';
import type { FloodResult } from './flood.ts';
import type { ScaleRow } from './scale.ts';
import type { StartResult } from './start.ts';

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function comparisonTable(measured: Measurement[]): string {
  const head = ['request', 'contender', 'CPU µs', 'ratio', 'a second', 'p50 ms', 'p99 ms', 'MB', 'not 2xx'];
  const rows = measured.map((each) => [
    ...[each.row, each.contender, each.cpu.toFixed(1), each.ratio === null ? '' : each.ratio.toFixed(2)],
    ...[each.perSecond.toFixed(0), each.p50.toFixed(1), each.p99.toFixed(1), each.memory.toFixed(0)],
    String(each.other),
  ]);
  return table(head, rows);
}

export function scaleTable(rows: ScaleRow[]): string {
  const names = Object.keys(rows[0]?.cpu ?? {});
  const head = ['users', 'filled in s', 'MB', ...names.map((name) => `${name}, CPU µs`)];
  const cells = rows.map(({ users, filled, size, cpu }) => [
    ...[String(users), filled.toFixed(1), size === null ? '' : size.toFixed(0)],
    ...names.map((name) => (cpu[name] ?? 0).toFixed(1)),
  ]);
  return table(head, cells);
}

export function floodTable({ capacity, quiet, flooded, signedIn, refused }: FloodResult): string {
  const rows = [
    ['quiet', '', '', quiet],
    [`ten times ${capacity.toFixed(0)} sign-ins a second`, signedIn.toFixed(0), refused.toFixed(0), flooded],
  ] as const;
  const head = [
    '',
    'signed in, a second',
    'turned away, a second',
    'reads a second',
    'p50 ms',
    'p99 ms',
    'not 2xx',
  ];
  return table(
    head,
    rows.map(([what, did, not, { perSecond, p50, p99, other }]) => [
      ...[what, did, not, perSecond.toFixed(0), p50.toFixed(1), p99.toFixed(1), String(other)],
    ]),
  );
}

export function startTable(results: StartResult[]): string {
  const rows = results.map(({ what, milliseconds, memory }) => [
    ...[what, milliseconds.toFixed(0), memory.map((each) => each.toFixed(0)).join(', ')],
  ]);
  return table(['', 'first answer, ms', 'MB of each process'], rows);
}
