/** The first quarter of an hour with the service, by the commands that its README gives: in a clone, with curl. */
import { join } from 'node:path';
import { onEachEngine } from './support/engines.ts';
import { copyProject, run } from './support/processes.ts';

onEachEngine(
  'npm start in a clone, the first administrator, and a walk',
  async (t, { name, makeDatabase }) => {
    const folder = copyProject(t);
    // On SQLite nothing at all is set, as the README promises.
    const server = name === 'MySQL' ? { DATABASE_URL: await makeDatabase(t), AUTO_MIGRATE: 'true' } : {};
    const walk = [join(folder, 'test/walk.sh'), folder];
    const { code, stdout, stderr } = await run(folder, 'bash', walk, { environment: server });
    for (const line of stdout.split('\n')) t.comment(line);
    t.equal(code, 0, `${stdout}${stderr}`);
    t.equal(stdout.match(/^ok: /gm)?.length, 15, 'every step was made');
  },
);
