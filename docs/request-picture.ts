/** Draws the way of a request: `node docs/request-picture.ts > docs/request.svg`. */

/** What happens, where it stands, and how a request may end there. */
const STEPS: [what: string, where: string, end?: string][] = [
  ['an id', 'plugins/http/request-id.ts'],
  ['who is it', 'plugins/auth/authenticate.ts'],
  ['may they', 'plugins/auth/guards.ts', '401, 403'],
  ['read and check the body', 'plugins/http/validation.ts', '400, 413, 415'],
  ['the handler', 'routes/'],
  ['the rule', 'accounts/', '403, 404, 409, 412'],
  ['conditions, writes, audit entry', 'db/: one transaction', '503'],
  ['the answer', 'schemas/'],
];

const [WIDTH, HEIGHT, GAP, LEFT] = [300, 44, 18, 20];

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const boxes = STEPS.map(([what, where, end], index) => {
  const top = LEFT + index * (HEIGHT + GAP);
  const arrow = `<path d="M${LEFT + WIDTH / 2} ${top + HEIGHT}v${GAP - 2}" marker-end="url(#tip)"/>`;
  const way = `<path d="M${LEFT + WIDTH} ${top + HEIGHT / 2}h40" marker-end="url(#tip)"/>
<text x="${LEFT + WIDTH + 48}" y="${top + HEIGHT / 2 + 5}">${escaped(end ?? '')}</text>`;
  return `<rect x="${LEFT}" y="${top}" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
<text x="${LEFT + 12}" y="${top + 19}" class="what">${escaped(what)}</text>
<text x="${LEFT + 12}" y="${top + 36}" class="where">${escaped(where)}</text>
${index < STEPS.length - 1 ? arrow : ''}${end ? way : ''}`;
});

const [width, height] = [LEFT + WIDTH + 220, 2 * LEFT + STEPS.length * (HEIGHT + GAP) - GAP];
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="14" role="img">
<title>The way of a request</title>
<style>rect{fill:#fff;stroke:#567}path{fill:none;stroke:#567}.what{font-weight:bold}.where{font-size:12px;fill:#567}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0l8 4-8 4z" style="fill:#567"/></marker></defs>
<rect width="${width}" height="${height}" style="stroke:none"/>
${boxes.join('\n')}
</svg>
`);
