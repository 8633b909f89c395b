/** An error that nothing caught leaves one line in the log, in every kind of process, and ends the process with code 1. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { copyProject, makeFolder, type Server, startServer } from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';

/** A blueprint whose errors happen after the answer, so that no request has them. */
const FAULTS = `
export default async (app) => {
  app.post('/:kind', async ({ params }) => {
    setTimeout(() => {
      if (params.kind === 'throw') throw new Error('thrown outside of a request');
      Promise.reject(new Error('rejected outside of a request'));
    }, 1);
    return {};
  });
};
`;
const PRIMARY = "\nprocess.on('SIGUSR2', () => { throw new Error('thrown in the primary'); });\n";

/** Starts a service that can be told to fail. */
async function startFaulty(t: Test): Promise<Server> {
  const folder = copyProject(t);
  mkdirSync(join(folder, 'routes/faults'));
  writeFileSync(join(folder, 'routes/faults/index.ts'), FAULTS);
  appendFileSync(join(folder, 'server.ts'), PRIMARY);
  const DATABASE_URL = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  return startServer(t, { folder, environment: { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '1' } });
}

/** @returns the lines of the level fatal. */
const fatal = (server: Server) => server.log().filter(({ level }) => level === 60);

const line = (message: string, origin = 'uncaughtException') => ({
  msg: 'an error that nothing caught ends the process',
  origin,
  err: { type: 'Error', message, stack: /\n\s+at / },
});

test('An error that nothing caught is logged, and ends the process', async (t) => {
  const server = await startFaulty(t);
  for (const [index, [kind, message, origin]] of (
    [
      ['throw', 'thrown outside of a request', 'uncaughtException'],
      ['reject', 'rejected outside of a request', 'unhandledRejection'],
    ] as const
  ).entries()) {
    await t.test(`A worker ends with code 1 after ${origin}, and is replaced`, async (t) => {
      await fetch(`${server.url}/faults/${kind}`, { method: 'POST' });
      const death = (await server.logs('a worker died', index + 1)).at(-1);
      t.match(death, { cause: 'exit code 1' });
      t.match(fatal(server).slice(index), [{ ...line(message, origin), pid: death?.worker }]);
      t.equal(fatal(server).length, index + 1);
      await server.logs('Server listening', index + 2);
    });
  }

  await t.test('The primary ends with code 1, and its worker with it', async (t) => {
    process.kill(server.pid, 'SIGUSR2');
    t.strictSame(await server.ended(), { code: 1, signal: null });
    t.match(fatal(server).slice(2), [{ ...line('thrown in the primary'), pid: server.pid }]);
    t.equal(fatal(server).length, 3);
    await until('no worker is left', () => !server.serving().some(isAlive) || undefined);
    t.equal(server.output.stderr, '');
  });
});
