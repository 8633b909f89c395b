/** The files of the page that tries the API come from a plugin. What it refuses is the client's fault, and is answered and logged so. */
import { test } from 'tap';
import { engines } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { startService } from '../../support/service.ts';

const FILE = '/docs/static/swagger-ui.css';

test('A file of /docs that can not be served answers with the status of its plugin', async (t) => {
  const [engine] = engines;
  if (!engine) throw new Error('There is always an engine.');
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { settings: { DOCS: true }, log });
  for (const { url, headers = {}, status, title } of [
    { url: '/docs/static/%00', status: 403, title: 'Forbidden' },
    { url: FILE, headers: { range: 'bytes=99999999-' }, status: 416, title: 'Range Not Satisfiable' },
    { url: FILE, headers: { 'if-match': '"another"' }, status: 412, title: 'Precondition Failed' },
  ]) {
    lines.length = 0;
    const answer = await app.inject({ url, headers });
    t.equal(answer.statusCode, status, answer.payload);
    t.match(answer.headers['content-type'], 'application/problem+json');
    t.match(answer.json(), { type: 'about:blank', title, status });
    t.notMatch(lines.join(''), /the request failed/);
  }
  t.equal((await app.inject(FILE)).statusCode, 200);
});
