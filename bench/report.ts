/** What was measured, as a table to read. */
import type { Measurement } from './compare.ts';

const HEAD = ['request', 'contender', 'CPU µs', 'ratio', 'a second', 'p50 ms', 'p99 ms', 'MB', 'not 2xx'];

/** @returns the table, in Markdown. */
export function table(measured: Measurement[]): string {
  const rows = measured.map((each) => [
    each.row,
    each.contender,
    each.cpu.toFixed(1),
    each.ratio === null ? '' : each.ratio.toFixed(2),
    each.perSecond.toFixed(0),
    each.p50.toFixed(1),
    each.p99.toFixed(1),
    each.memory.toFixed(0),
    String(each.other),
  ]);
  const lines = [HEAD, HEAD.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
