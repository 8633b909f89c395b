/** The file that docs/operations.md shows makes spans of the service's requests, without a change of its code. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FastifyOtelInstrumentation } from '@fastify/otel';
import type { InMemorySpanExporter, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { test } from 'tap';
import { engines } from './support/engines.ts';
import { makeLog } from './support/log.ts';
import { blocksOf } from './support/page.ts';
import { makeFolder, PROJECT, run } from './support/processes.ts';
import { makeUser, quickHashing, signedIn, startService } from './support/service.ts';

interface Telemetry {
  exporter: InMemorySpanExporter;
  provider: NodeTracerProvider;
  instrumentation: FastifyOtelInstrumentation;
}

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

const blocks = blocksOf(readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8'));
const telemetry = blocks.find(({ language, text }) => language === 'ts' && text.includes('otel'))?.text ?? '';
const commands = blocks
  .filter(({ mark }) => mark === 'test/telemetry.test.ts')
  .map(({ text }) => text.trim());

test('The file of docs/operations.md makes a span of each request, in the trace of its caller', async (t) => {
  t.ok(telemetry.trim().split('\n').length <= 10, 'it has ten lines');
  const folder = makeFolder(t);
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const file = join(folder, 'telemetry.ts');
  const inMemory = telemetry.replaceAll('ConsoleSpanExporter', 'InMemorySpanExporter');
  writeFileSync(file, `${inMemory}\nexport { exporter, provider, instrumentation };\n`);
  const { exporter, provider, instrumentation }: Telemetry = await import(pathToFileURL(file).href);
  t.teardown(() => instrumentation.disable());

  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const { log, lines } = makeLog();
  const settings = { LOG_REQUESTS: true };
  const { app } = await startService(t, engine, { hashing: quickHashing, log, settings });
  await makeUser(app, 'ann');
  const client = await signedIn(app, 'ann');
  await provider.forceFlush();
  exporter.reset();
  const headers = { traceparent: `00-${TRACE}-${SPAN}-01` };
  const { statusCode } = await client.request('GET', '/api/users', undefined, headers);
  t.equal(statusCode, 200);
  await client.request('GET', '/livez', undefined, headers);
  await provider.forceFlush();

  const spans = exporter.getFinishedSpans();
  const request = spans.find(({ parentSpanContext }) => parentSpanContext?.spanId === SPAN);
  t.match(request?.attributes, { 'http.route': '/api/users', 'http.response.status_code': 200 });
  t.strictSame(
    [...new Set(spans.map((span) => span.spanContext().traceId))],
    [TRACE],
    'all are in its trace',
  );
  t.notOk(spans.some(({ attributes }) => attributes['http.route'] === '/livez'));
  t.match(JSON.parse(lines.at(-1) ?? '{}'), { msg: 'request answered', trace_id: TRACE, span_id: SPAN });

  t.equal(commands.length, 2);
  const [install = '', start = ''] = commands;
  const { devDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  for (const [, name = '', version] of install.matchAll(/ (@\S+)@(\S+)/g))
    t.equal(devDependencies[name], version, `${name} is the version that is tested`);
  const options = /NODE_OPTIONS=(\S+)/.exec(start)?.[1] ?? '';
  const { code } = await run(folder, process.execPath, [options, '-e', '0']);
  t.equal(code, 0, 'Node takes the option');
});
