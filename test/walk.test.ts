/** The first quarter of an hour with the service, by the commands that its README gives: in a clone, with curl. */
import { join } from 'node:path';
import { test } from 'tap';
import { copyProject, run } from './support/processes.ts';

test('npm start in a clone, the first administrator, and a walk through the API', async (t) => {
  const folder = copyProject(t);
  const { code, stdout, stderr } = await run(folder, 'bash', [join(folder, 'test/walk.sh'), folder]);
  for (const line of stdout.split('\n')) t.comment(line);
  t.equal(code, 0, `${stdout}${stderr}`);
  t.equal(stdout.match(/^ok: /gm)?.length, 15, 'every step was made');
});
