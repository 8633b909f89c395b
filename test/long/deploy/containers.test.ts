/** Kubernetes' own types take the manifests, and what the Containerfile copies is enough to start the service. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { loadSettings } from '../../../config/load.ts';
import { makeSecret } from '../../../config/secret.ts';
import { containerFiles, deployFile } from '../../support/deploy.ts';
import { blocksOf } from '../../support/page.ts';
import {
  copyProject,
  makeFolder,
  manageProcess,
  PROJECT,
  run,
  startServer,
} from '../../support/processes.ts';
import { linkProductionPackages } from '../../support/production.ts';

/** The modules of kubernetes-types, by apiVersion. */
const MODULES: Record<string, string> = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'policy/v1': 'policy/v1',
};

test('The manifests have the types of Kubernetes, and no key that it does not know', async (t) => {
  const folder = makeFolder(t);
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const check = async (text: string) => {
    const lines = parseAllDocuments(text).map((document, index) => {
      const value: { apiVersion: string; kind: string } = document.toJS();
      const type = `import('kubernetes-types/${MODULES[value.apiVersion]}').${value.kind}`;
      return `export const document${index}: ${type} = ${JSON.stringify(value)};`;
    });
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
    return run(folder, 'npx', ['tsc', ...options, 'manifests.ts']);
  };
  const text = deployFile('kubernetes.yaml');
  t.match(await check(text), { code: 0, stdout: '' });
  const misspelt = await check(text.replace('readinessProbe:', 'readynessProbe:'));
  t.match(misspelt.stdout, /readynessProbe/, 'a misspelt key is found');
});

test('The files that the Containerfile copies are enough to migrate, start and answer', async (t) => {
  const folder = join(makeFolder(t), 'app');
  mkdirSync(folder);
  const { packages, code } = containerFiles();
  const copy = (names: string[]) => {
    for (const name of names) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  };
  copy(packages);
  // As `npm ci --omit=dev` installs them, without a network.
  linkProductionPackages(folder);
  t.notOk(existsSync(join(folder, 'node_modules/typescript')), 'without the packages for development');
  copy(code);
  const environment = {
    NODE_ENV: 'production',
    SECRET_KEY: makeSecret(),
    DATABASE_URL: `sqlite:${folder}/data/rollcall.db`,
    AUTO_MIGRATE: 'false',
    WORKERS: '2',
  };
  t.match(await manageProcess(['db', 'upgrade'], { folder, environment }), { code: 0 });
  const server = await startServer(t, { folder, environment });
  t.equal((await fetch(`${server.url}/readyz`)).status, 200);
  t.equal((await server.stop()).code, 0);
});

test('The commands of docs/operations.md make secrets that the service takes', async (t) => {
  const folder = copyProject(t);
  const page = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');
  const blocks = blocksOf(page).filter(({ mark }) => mark === 'test/long/deploy/containers.test.ts');
  t.equal(blocks.length, 1);
  for (const { text } of blocks) {
    const { code, stderr } = await run(folder, 'bash', ['-e', '-c', text]);
    t.equal(code, 0, stderr);
  }
  const secrets = Object.values<{ file: string }>(parse(deployFile('compose.yaml'), { merge: true }).secrets);
  for (const { file } of secrets) t.ok(existsSync(join(folder, 'deploy', file)), file);
  const environment = {
    NODE_ENV: 'production',
    DATABASE_URL_FILE: 'deploy/secrets/database_url',
    SECRET_KEY_FILE: 'deploy/secrets/secret_key',
  };
  t.match(
    loadSettings({ root: folder, environment }).DATABASE_URL,
    /^mysql:\/\/rollcall:\w{48}@database\/rollcall$/,
  );
});
