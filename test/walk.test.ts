/** Runs the commands of the README's walkthrough in a clone, with curl. */
import { join } from 'node:path';
import { onEachEngine } from './support/engines.ts';
import { copyProject, run } from './support/processes.ts';

onEachEngine("The README's walkthrough works in a clone", async (t, { name, makeDatabase }) => {
  const folder = copyProject(t);
  // On SQLite no setting is given, as the README promises.
  const server = name === 'MySQL' ? { DATABASE_URL: await makeDatabase(t), AUTO_MIGRATE: 'true' } : {};
  const walk = [join(folder, 'test/walk.sh'), folder];
  const { code, stdout, stderr } = await run(folder, 'bash', walk, { environment: server });
  for (const line of stdout.split('\n')) t.comment(line);
  t.equal(code, 0, `${stdout}${stderr}`);
  t.equal(stdout.match(/^ok: /gm)?.length, 15, 'every step succeeded');
});
