/** systemd is told when the service is ready, reloads, is well, and stops. A socket of this test takes the place of systemd's. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeFolder, startServer } from '../support/processes.ts';
import { Running } from '../support/running.ts';

/** Prints each message as a line of JSON. Node has no datagram sockets of the file system. */
const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

/** @returns the programs that are not installed. */
function missingPrograms(): string[] {
  return ['systemd-notify', 'python3'].filter((program) => {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
}

const missing = missingPrograms();
const skip = missing.length > 0 && `not installed: ${missing}`;

/** @returns the path of a socket, and what waits until it has received a message that matches. */
async function listen(t: Test) {
  const path = join(makeFolder(t), 'notify');
  const receiver = new Running('/', 'python3', ['-c', RECEIVER, path], {}, 'ignore');
  t.teardown(() => receiver.kill());
  await receiver.says('that it is bound', (stdout) => /^bound/.test(stdout) || undefined);
  const messages = (stdout: string): string[] =>
    stdout
      .split('\n')
      .filter((line) => line.startsWith('"'))
      .map((line) => JSON.parse(line));
  const receives = (pattern: RegExp, count = 1) =>
    receiver.says(`${pattern}`, (stdout) => {
      const found = messages(stdout).filter((message) => pattern.test(message));
      return found.length >= count ? found : undefined;
    });
  return { path, receives };
}

test('systemd is told how the service is', { skip }, async (t) => {
  const { path, receives } = await listen(t);
  const databaseUrl = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  const environment = { DATABASE_URL: databaseUrl, WORKERS: '1' };
  const server = await startServer(t, {
    environment: { ...environment, NOTIFY_SOCKET: path, WATCHDOG_USEC: '100000' },
  });
  t.match(await receives(/^READY=1$/m), [`STATUS=It listens on ${server.url}.`]);
  await receives(/^WATCHDOG=1$/m, 2);
  server.child.kill('SIGHUP');
  t.match(await receives(/^RELOADING=1$/m), [/^MONOTONIC_USEC=\d{7,}$/m]);
  await receives(/^READY=1$/m, 2);
  server.child.kill('SIGTERM');
  await receives(/^STOPPING=1$/m);
  t.same(await server.ended(), { code: 0, signal: null });
  t.equal(server.output.stderr, '');

  const NOTIFY_SOCKET = join(makeFolder(t), 'nobody');
  const alone = await startServer(t, {
    environment: { ...environment, NOTIFY_SOCKET, WATCHDOG_USEC: '100000' },
  });
  await alone.logs('systemd could not be told');
  t.equal((await fetch(`${alone.url}/readyz`)).status, 200);
  t.equal((await alone.stop()).code, 0);
  t.equal(
    alone.log().filter(({ msg }) => msg.startsWith('systemd could not')).length,
    1,
    'it is logged once',
  );
});

test('REQUIRE_SYSTEMD=1 lets nothing be skipped', async (t) => {
  t.notOk(process.env.REQUIRE_SYSTEMD === '1' && skip, String(skip));
});
