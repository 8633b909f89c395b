/** The files in deploy/ agree with the code and with each other. test/long/deploy/ starts what can be started. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { DRAIN_DEADLINE } from '../../cluster/drain.ts';
import { containerFiles, deployFile } from './deploy.ts';
import { engines } from './engines.ts';
import { blocksOf } from './page.ts';
import { PROJECT } from './processes.ts';
import { startService } from './service.ts';

const FILES = [
  'rollcall.service',
  'supervisor.conf',
  'nginx.conf',
  'haproxy.cfg',
  'Containerfile',
  'compose.yaml',
  'kubernetes.yaml',
];

test('docs/operations.md names each file of deploy/, and how far it is tested', (t) => {
  const page = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
  for (const file of FILES)
    t.match(page, new RegExp(`^\\| \`deploy/${file}\` \\|.*\\| (started|checked)`, 'm'));
  t.end();
});

test('Process managers wait longer for the end of the service than it needs', (t) => {
  const seconds = (file: string, pattern: RegExp) => Number(pattern.exec(deployFile(file))?.[1]);
  const preStop = seconds('kubernetes.yaml', /\[sleep, "(\d+)"\]/);
  const times = {
    systemd: seconds('rollcall.service', /^TimeoutStopSec=(\d+)$/m),
    supervisor: seconds('supervisor.conf', /^stopwaitsecs=(\d+)$/m),
    compose: seconds('compose.yaml', /stop_grace_period: (\d+)s$/m),
    kubernetes: seconds('kubernetes.yaml', /terminationGracePeriodSeconds: (\d+)$/m) - preStop,
  };
  // The primary kills a worker two seconds after that.
  for (const [name, time] of Object.entries(times))
    t.ok(time > DRAIN_DEADLINE / 1000 + 5, `${name}: ${time}`);
  t.end();
});

test('Every probe in deploy/ is a route that answers 200', async (t) => {
  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const { app } = await startService(t, engine);
  const probes = FILES.flatMap((file) => deployFile(file).match(/\/(livez|readyz)\b/g) ?? []);
  t.ok(probes.length >= 6, `${probes}`);
  for (const path of new Set(probes)) t.equal((await app.inject(path)).statusCode, 200, path);
});

test('nginx gets the same headers in deploy/ as in docs/browsers.md', (t) => {
  const headers = (text: string) => text.match(/proxy_(set_header|http_version) .*;/g);
  const page = readFileSync(join(PROJECT, 'docs/browsers.md'), 'utf8');
  const blocks = blocksOf(page).filter(({ language }) => language === 'nginx');
  t.ok(blocks.length > 0);
  for (const { text } of blocks) t.strictSame(headers(text), headers(deployFile('nginx.conf')));
  t.end();
});

test('The Containerfile has no fault, copies what is there, and ends as a user without rights', (t) => {
  const text = deployFile('Containerfile');
  t.strictSame(
    validate(text, {}).map(({ message }) => message),
    [],
  );
  const { packages, code } = containerFiles();
  for (const file of [...packages, ...code]) t.ok(existsSync(join(PROJECT, file)), file);
  const last = text.slice(text.lastIndexOf('\nFROM '));
  t.match(last, /^USER 10001:10001$/m);
  t.match(last, /^ENTRYPOINT \["tini", "--"\]\nCMD \["node", "server.ts"\]$/m);
  t.notMatch(last.replace(/^#.*$/gm, ''), /\bnpm\b/);
  t.end();
});

test('Containers run what the Containerfile has, without rights, and get secrets as files', (t) => {
  const compose = parse(deployFile('compose.yaml'), { merge: true });
  for (const name of ['migrate', 'rollcall']) {
    const service = compose.services[name];
    t.match(service, { read_only: true, cap_drop: ['ALL'], build: { dockerfile: 'deploy/Containerfile' } });
    t.ok(existsSync(join(PROJECT, service.command[1])), `${service.command}`);
    for (const secret of service.secrets) t.ok(secret in compose.secrets, secret);
    for (const [setting, path] of Object.entries<string>(service.environment))
      if (setting.endsWith('_FILE')) t.ok(service.secrets.includes(path.replace('/run/secrets/', '')), path);
  }
  const documents = parseAllDocuments(deployFile('kubernetes.yaml')).map((document) => document.toJS());
  t.strictSame(
    documents.map(({ kind }) => kind),
    ['ConfigMap', 'Deployment', 'Service', 'PodDisruptionBudget'],
  );
  const [settings, deployment, service, budget] = documents;
  const { spec } = deployment.spec.template;
  const [container] = spec.containers;
  t.equal(String(container.ports[0].containerPort), settings.data.PORT);
  t.equal(service.spec.ports[0].targetPort, container.ports[0].name);
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
    t.equal(container[probe].httpGet.port, container.ports[0].name, probe);
  for (const selector of [service.spec.selector, budget.spec.selector.matchLabels])
    t.strictSame(selector, deployment.spec.template.metadata.labels);
  for (const { name, args, securityContext } of [...spec.initContainers, ...spec.containers]) {
    t.match(securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false }, name);
    if (args) t.ok(existsSync(join(PROJECT, args[1])), `${args}`);
  }
  t.end();
});
