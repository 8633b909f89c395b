/** What production and addresses that other machines reach need is asked for by name, and what is safe is let pass. */
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';
import { asLines, faultsOf, type Values } from '../support/settings.ts';

const KEY = makeSecret();

test('What is safe on this machine only is taken on a loopback address, or where it is asked for by name', async (t) => {
  const folder = makeFolder(t);
  for (const values of [
    ...['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1'].map((HOST) => ({ HOST })),
    { HOST: '0.0.0.0', NODE_ENV: 'development' },
    { HOST: '0.0.0.0', NODE_ENV: 'production', SECRET_KEY: KEY },
    { NODE_ENV: 'development', AUTH_HACK_USER: 'ann' },
    { NODE_ENV: 'test', HOST: '::1', AUTH_HACK_USER: 'ann' },
    { TRUST_PROXY: 'true', LOG_LEVEL: 'trace', ORIGINS: 'http://localhost:5173' },
    { NODE_ENV: 'production', SECRET_KEY: KEY, LOG_LEVEL: 'debug', TRUST_PROXY: '127.0.0.1' },
  ])
    t.strictSame(faultsOf(folder, values), [], asLines(values).join(' '));
});

test('The documentation is served in production only when it is asked for', async (t) => {
  const docs = (environment: Values) => loadSettings({ root: makeFolder(t), environment }).DOCS;
  const production = { NODE_ENV: 'production', SECRET_KEY: KEY };
  t.equal(docs({}), true);
  t.equal(docs({ DOCS: 'false' }), false);
  t.equal(docs(production), false);
  t.equal(docs({ ...production, DOCS: 'true' }), true);
});
