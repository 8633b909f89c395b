/** An installation for production, without the packages for development, starts, migrates and rolls back. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeSecret } from '../../config/secret.ts';
import { onEachEngine } from '../support/engines.ts';
import { copyProject, manageProcess, startServer } from '../support/processes.ts';
import { linkProductionPackages } from '../support/production.ts';

onEachEngine('The service runs without the packages for development', async (t, { makeDatabase }) => {
  const folder = copyProject(t);
  rmSync(join(folder, 'node_modules'));
  linkProductionPackages(folder);
  t.notOk(existsSync(join(folder, 'node_modules/drizzle-kit')));
  const environment = {
    NODE_ENV: 'production',
    SECRET_KEY: makeSecret(),
    DATABASE_URL: await makeDatabase(t),
    AUTO_MIGRATE: 'true',
    WORKERS: '2',
  };

  const server = await startServer(t, { folder, environment });
  t.equal((await fetch(`${server.url}/readyz`)).status, 200);
  t.equal((await fetch(`${server.url}/docs`)).status, 404);
  const signingIn = await fetch(`${server.url}/api/sign/in`, { method: 'POST' });
  t.match(await signingIn.json(), { status: 403, type: 'urn:rollcall:problem:https-required' });
  t.equal((await server.stop()).code, 0);

  const run = (...args: string[]) => manageProcess(args, { folder, environment });
  t.match(await run('db', 'downgrade', 'base', '--yes'), { code: 0, stdout: /^took back / });
  t.match(await run('db', 'upgrade'), { code: 0, stdout: /^applied 0000_first\n/ });
  t.match(await run('db', 'current'), { code: 0 });
  t.match(await run('db', 'revision', 'more'), { code: 1, stderr: /^manage: This needs drizzle-kit, / });
  t.match(await run('db', 'check'), {
    code: 1,
    stderr: /^manage: This needs drizzle-kit, .*--omit=dev\.\n$/,
  });
});
