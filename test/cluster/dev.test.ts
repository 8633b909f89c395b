/** npm run dev notices changes of the code, a new blueprint's folder included, and leaves no process behind when npm is ended. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { copyProject } from '../support/processes.ts';
import { Running, until } from '../support/running.ts';

const BLUEPRINT = `export default async (app) => {
  app.get('/', { config: { anonymous: true } }, async () => ({ tea: 'green' }));
};
`;

test('npm run dev restarts the service when a file comes or changes, and ends with npm', async (t) => {
  const folder = copyProject(t);
  const npm = new Running(folder, 'npm', ['run', '-s', 'dev'], { WORKERS: '1' }, 'ignore');
  t.teardown(() => npm.kill());
  /** Waits until the service has started that often. @returns where it listens. */
  const started = (times: number) =>
    npm.says(
      `its address, ${times} times`,
      (stdout) => [...stdout.matchAll(/ listens on (http:[^,]+),/g)].map(([, url = '']) => url)[times - 1],
    );
  const tea = join(folder, 'routes/api/tea');
  const answer = async (url: string) => (await fetch(`${url}/api/tea`)).json();

  t.match(await answer(await started(1)), { status: 404 });
  mkdirSync(tea);
  writeFileSync(join(tea, 'index.ts'), BLUEPRINT);
  t.same(await answer(await started(2)), { tea: 'green' }, 'a new folder is noticed');
  writeFileSync(join(tea, 'index.ts'), BLUEPRINT.replace('green', 'black'));
  const url = await started(3);
  t.same(await answer(url), { tea: 'black' }, 'a change is noticed');
  t.match(npm.output.stdout, /GET.*\/api\/tea/, 'requests are logged');

  npm.child.kill('SIGTERM');
  await npm.exit;
  await until('the service has ended', async () => {
    const isGone = await fetch(url).then(
      () => false,
      () => true,
    );
    return isGone || undefined;
  });
});
