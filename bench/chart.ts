/** Draws two charts for the docs, as SVG: the cost of a request, and its cost by the number of users. */
import type { Measurement } from './compare.ts';
import { requestsIn, type ScaleRow } from './scale.ts';

const WIDTH = 760;
const LABELS = 210;
const LINE = 26;
const COLOURS = ['#7a8599', '#c0712f', '#2f6fc0', '#2f9a6b', '#8a4fbf', '#b03a5b', '#d4a72c'];

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped(content)}</text>`;
}

function picture(height: number, title: string, parts: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(16, 26, title, 'font-size="16" font-weight="600"'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Draws bars of the reads' CPU time, by engine and request. */
export function comparisonChart(measured: Measurement[]): string {
  const shown = measured.filter(({ row }) => row === 'one user' || row === 'list of 20');
  const longest = Math.max(...shown.map(({ cpu }) => cpu));
  const groups = Map.groupBy(shown, ({ engine, row }) => `${row}, ${engine}`);
  const contenders = [...new Set(shown.map(({ contender }) => contender))];
  const parts: string[] = [];
  let y = 44;
  for (const [name, bars] of groups) {
    y += 14;
    parts.push(text(16, y + 6, name, 'font-weight="600"'));
    y += 14;
    for (const { contender, cpu, ratio } of bars) {
      const width = (cpu / longest) * (WIDTH - LABELS - 120);
      const colour = COLOURS[contenders.indexOf(contender) % COLOURS.length];
      const figure = `${cpu.toFixed(0)} µs${ratio === null ? '' : `  (${ratio.toFixed(2)} ×)`}`;
      parts.push(
        text(LABELS - 8, y + 17, contender, 'text-anchor="end"'),
        `<rect x="${LABELS}" y="${y + 3}" width="${width.toFixed(1)}" height="${LINE - 8}" fill="${colour}"/>`,
        text(LABELS + width + 6, y + 17, figure),
      );
      y += LINE;
    }
  }
  return picture(
    y + 16,
    'CPU time of the server for each answer (× bare Fastify, in the same seconds)',
    parts,
  );
}

const PLOT = { left: 60, right: 520, height: 220 };

function plot(engine: string, rows: ScaleRow[], top: number): string[] {
  const names = requestsIn(rows);
  const sizes = rows.map(({ users }) => Math.log10(users));
  const [least = 0, most = 1] = [Math.min(...sizes), Math.max(...sizes)];
  const x = (users: number) =>
    PLOT.left + ((Math.log10(users) - least) / Math.max(1e-9, most - least)) * (PLOT.right - PLOT.left);
  const y = (ratio: number) => top + PLOT.height - (Math.min(ratio, 2) / 2) * PLOT.height;
  const grid = [0, 0.5, 1, 1.5, 2].flatMap((ratio) => [
    `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(ratio)}" y2="${y(ratio)}" stroke="${ratio === 1.5 ? '#c33' : '#ddd'}" ${ratio === 1.5 ? 'stroke-dasharray="5 4"' : ''}/>`,
    text(PLOT.left - 8, y(ratio) + 4, `${ratio} ×`, 'text-anchor="end"'),
  ]);
  const marks = rows.map(({ users }) =>
    text(x(users), top + PLOT.height + 18, users.toLocaleString('en'), 'text-anchor="middle"'),
  );
  const lines = names.flatMap((name, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const points = rows
      .filter(({ ratio }) => name in ratio)
      .map(({ users, ratio }) => `${x(users).toFixed(1)},${y(ratio[name] ?? 0).toFixed(1)}`);
    return [
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="${PLOT.right + 20}" y="${top + 12 + index * 22}" width="14" height="4" fill="${colour}"/>`,
      text(PLOT.right + 42, top + 19 + index * 22, name),
    ];
  });
  return [text(16, top - 10, engine, 'font-weight="600"'), ...grid, ...marks, ...lines];
}

/** Draws a line for each request: its cost by the number of users, relative to the smallest number. */
export function scaleChart(rows: ScaleRow[]): string {
  const engines = [...Map.groupBy(rows, ({ engine }) => engine)];
  const step = PLOT.height + 70;
  const parts = engines.flatMap(([engine, some], index) => plot(engine, some, 74 + index * step));
  return picture(74 + engines.length * step, 'Cost of a request by the number of users', parts);
}
