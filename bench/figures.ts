/** Sums up figures and prints them as a Markdown table. */

/** One line of a table, by the heads of its columns. */
export type Line = Record<string, string | number>;

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const text = (value: string | number | undefined) =>
  (value ?? '').toLocaleString('en', { maximumFractionDigits: 2 });

/** @param lines with the same columns. */
export function table(lines: Line[]): string {
  const head = Object.keys(lines[0] ?? {});
  const rows = lines.map((line) => head.map((name) => text(line[name])));
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
