/** An installation for production, without the packages for development, starts, migrates and rolls back. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { makeSecret } from '../../config/secret.ts';
import { onEachEngine } from '../support/engines.ts';
import { copyProject, manageProcess, PROJECT, startServer } from '../support/processes.ts';

/** The folders of the packages that `npm ci --omit=dev` installs. */
function productionPackages(): string[] {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: PROJECT,
    encoding: 'utf8',
  });
  const folders = listed.split('\n').map((path) => relative(PROJECT, path));
  return folders.filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path));
}

onEachEngine('The service runs without the packages for development', async (t, { makeDatabase }) => {
  const folder = copyProject(t);
  rmSync(join(folder, 'node_modules'));
  const packages = productionPackages();
  for (const path of packages) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(PROJECT, path), join(folder, path));
  }
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
