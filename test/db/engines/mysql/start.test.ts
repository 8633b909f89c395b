/** A service that can't use its database must not start. It must print the cause in one line, without the password. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import { type Result, runServer } from '../../../support/processes.ts';

const PASSWORD = 'hunter2-is-secret';

onOwnServer('The service does not start without a usable database', FAST_FLAGS, async (t, server) => {
  await server.query(`CREATE USER clerk@localhost IDENTIFIED BY '${PASSWORD}'`);
  await server.query("CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'another one'");
  const urlAt = (port: number, name = 'rollcall') => `mysql://clerk:${PASSWORD}@127.0.0.1:${port}/${name}`;
  const start = (databaseUrl: string) => runServer({ DATABASE_URL: databaseUrl });

  const silentServer = createServer();
  silentServer.listen(0, '127.0.0.1');
  await once(silentServer, 'listening');
  t.teardown(() => silentServer.close());
  const address = silentServer.address();
  const silentPort = typeof address === 'object' && address ? address.port : 1;

  const behind = await server.makeDatabase();
  const faults: Record<string, { run: () => Promise<Result>; says: RegExp }> = {
    'the database refuses connections': {
      run: () => start(urlAt(1)),
      says: /connect ECONNREFUSED 127\.0\.0\.1:1\./,
    },
    'the database accepts connections and does not answer': {
      run: () => start(urlAt(silentPort)),
      says: /ETIMEDOUT/,
    },
    'the database rejects the password': {
      run: () => start(urlAt(server.port)),
      says: /Access denied for user 'clerk'/,
    },
    'the database does not exist': {
      run: () => start(`${server.url}/nowhere`),
      says: /Unknown database 'nowhere'/,
    },
    'the host name of the database is unknown': {
      run: () => start(`mysql://clerk:${PASSWORD}@no-such-host.invalid/rollcall`),
      says: /no-such-host\.invalid/,
    },
    'migrations are pending': {
      run: () => start(behind),
      says: /behind the code .*db upgrade/,
    },
  };
  // They run at once, because each of them mostly waits.
  const cases = Object.entries(faults);
  const results = await Promise.all(cases.map(([, { run }]) => run()));
  for (const [index, [fault, { says }]] of cases.entries()) {
    t.test(`The service prints one line and exits with 1 when ${fault}`, async (t) =>
      assertFailsWith(t, results[index], says),
    );
  }
});

function assertFailsWith(t: Test, result: Result | undefined, says: RegExp): void {
  const { code, stdout = '', stderr = '' } = result ?? {};
  t.equal(code, 1);
  t.match(stderr, /^rollcall: .+\n$/, 'the fault is printed in one line');
  t.match(stderr, says);
  t.notMatch(stdout + stderr, PASSWORD);
}
