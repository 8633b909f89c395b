/** A service whose database can't be had must not start, and must say why in a line that may be read by anybody. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { HASTY, onOwnServer } from '../support/own-server.ts';
import { type Result, runServer } from '../support/processes.ts';

const PASSWORD = 'hunter2-is-secret';

onOwnServer('a service', HASTY, async (t, server) => {
  await server.query(`CREATE USER clerk@localhost IDENTIFIED BY '${PASSWORD}'`);
  await server.query("CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'another one'");
  const urlAt = (port: number, name = 'rollcall') => `mysql://clerk:${PASSWORD}@127.0.0.1:${port}/${name}`;
  const start = (databaseUrl: string, more = {}) => runServer({ DATABASE_URL: databaseUrl, ...more });

  const deaf = createServer();
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  t.teardown(() => deaf.close());
  const address = deaf.address();
  const deafPort = typeof address === 'object' && address ? address.port : 1;

  const behind = await server.makeDatabase();
  const refusals: Record<string, { run: () => Promise<Result>; says: RegExp }> = {
    'whose database refuses connections': {
      run: () => start(urlAt(1), { WORKERS: '1' }),
      says: /connect ECONNREFUSED 127\.0\.0\.1:1\./,
    },
    'with workers whose database refuses connections': {
      run: () => start(urlAt(1), { WORKERS: '2' }),
      says: /connect ECONNREFUSED 127\.0\.0\.1:1\./,
    },
    'whose database accepts connections and is silent': {
      run: () => start(urlAt(deafPort), { WORKERS: '1' }),
      says: /ETIMEDOUT/,
    },
    'that is not let in': {
      run: () => start(urlAt(server.port), { WORKERS: '1' }),
      says: /Access denied for user 'clerk'/,
    },
    'whose database is not there': {
      run: () => start(`${server.url}/nowhere`, { WORKERS: '1' }),
      says: /Unknown database 'nowhere'/,
    },
    'whose database has no name that can be found': {
      run: () => start(`mysql://clerk:${PASSWORD}@no-such-host.invalid/rollcall`, { WORKERS: '1' }),
      says: /no-such-host\.invalid/,
    },
    'whose schema is behind': {
      run: () => start(behind, { WORKERS: '1' }),
      says: /behind the code .*db upgrade/,
    },
  };
  // Together, since most of each is waiting.
  const cases = Object.entries(refusals);
  const results = await Promise.all(cases.map(([, { run }]) => run()));
  for (const [index, [which, { says }]] of cases.entries()) {
    t.test(`${which} says so in a line and ends`, async (t) => refusedWith(t, results[index], says));
  }
});

function refusedWith(t: Test, result: Result | undefined, says: RegExp): void {
  const { code, stdout = '', stderr = '' } = result ?? {};
  t.equal(code, 1);
  t.match(stderr, /^rollcall: .+\n$/, 'in one line');
  t.match(stderr, says);
  t.notMatch(stdout + stderr, PASSWORD);
}
