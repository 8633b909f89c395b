/** The control socket, between a primary and the commands: where it lies, who may connect, and that a hung peer holds up nobody. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import { serveControl } from '../../cluster/control.ts';
import { controlPath } from '../../config/control.ts';
import { loadSettings } from '../../config/load.ts';
import { fails, succeeds } from '../support/commands.ts';
import { makeLog } from '../support/log.ts';
import { makeFolder, manage } from '../support/processes.ts';

const STATUS = { version: '1.2.3', since: 'then', url: 'http://here', workers: [], restarts: 7 };
const RELOAD = { at: 'then', replaced: 2, needRestart: ['HOST', 'DATABASE_URL'] };

/** Stands for a service on a database in that folder. @returns its socket, its log, and how its commands are run. */
async function startControl(t: Test, folder: string, { failure }: { failure?: string } = {}) {
  const environment = { DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}`, PORT: '5000' };
  const path = controlPath(loadSettings({ root: folder, environment }), 5000);
  const { log, lines } = makeLog();
  const commands = {
    status: () => STATUS,
    reload: async () => (failure ? { ...RELOAD, failure } : { ...RELOAD, waited: true }),
  };
  const end = await serveControl(path, commands, log);
  t.teardown(end);
  const run = (...args: string[]) => manage(args, { environment });
  return { path, lines, run, end };
}

test('A command reaches the service by its control socket', async (t) => {
  t.test('The socket lies beside the secret key, and only its owner may connect', async (t) => {
    const folder = makeFolder(t);
    const { path, lines, run, end } = await startControl(t, folder);
    t.equal(path, join(folder, 'control-5000.sock'));
    t.equal(statSync(path).mode & 0o777, 0o600);
    t.same(lines, []);
    succeeds(
      t,
      await run('reload'),
      /^Another reload was under way.*\n2 workers were replaced\.\nHOST has changed, .*\nDATABASE_URL has changed, which takes effect by a restart only\.\n$/,
    );
    end();
    t.same(readdirSync(folder), [], 'nothing is left of it');
    fails(
      t,
      await run('reload'),
      /^manage: No service runs with PORT=5000 \(there is none at .*\)\. Start it/,
    );
  });

  t.test('A reload that failed is told with its reason, and the command ends with 1', async (t) => {
    const { run } = await startControl(t, makeFolder(t), { failure: 'PORTT is not a setting.' });
    const { code, stdout, stderr } = await run('reload');
    t.equal(code, 1);
    t.match(stdout, /^2 workers were replaced\.\n/);
    t.equal(
      stderr,
      'manage: The reload failed, and the other workers go on as they are: PORTT is not a setting.\n',
    );
  });

  t.test('A command says that PORT=0 names no service', async (t) => {
    fails(t, await manage(['reload'], { environment: { PORT: '0' } }), /PORT is 0\. Set it to the port/);
  });
});

test('The control socket lies in a folder of temporary files where its path would be too long', async (t) => {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = makeFolder(t);
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const folder = join(makeFolder(t), 'long'.repeat(30));
  mkdirSync(folder);
  const { path, lines, run, end } = await startControl(t, folder);
  t.equal(dirname(dirname(path)), process.env.TMPDIR);
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.same(lines, []);
  t.match(await run('reload'), { code: 0 });
  end();

  chmodSync(dirname(path), 0o777);
  const refused = await startControl(t, folder);
  t.match(refused.lines, [/is not a folder that only its owner, this user, can enter.*do not reach/]);
  fails(t, await run('reload'), /^manage: .* is not a folder that only its owner, this user, can enter\./);
});

test('A control socket that a killed service has left is replaced, and one that is in use is not', async (t) => {
  const folder = makeFolder(t);
  const first = await startControl(t, folder);
  const second = await startControl(t, folder);
  t.match(second.lines, [/EADDRINUSE.*manage reload and manage status do not reach this service/]);
  second.end();
  t.match(await first.run('reload'), { code: 0 }, 'the first is still there');
  first.end();

  const { path } = first;
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  t.equal(spawnSync(process.execPath, ['-e', code]).signal, 'SIGKILL');
  t.ok(statSync(path).isSocket());
  const third = await startControl(t, folder);
  t.same(third.lines, []);
  t.match(await third.run('reload'), { code: 0 });
  third.end();

  writeFileSync(path, 'a file');
  const fourth = await startControl(t, folder);
  t.match(fourth.lines, [/do not reach this service/], 'a file that is no socket is left alone');
  t.ok(statSync(path).isFile());
});

test('A peer of the control socket that sends nonsense or nothing holds up nobody', async (t) => {
  const { path, run } = await startControl(t, makeFolder(t));
  const silent = connect(path);
  t.teardown(() => silent.destroy());
  for (const line of ['stop\n', 'reload now\n', 'constructor\n', 'x'.repeat(2 ** 21)]) {
    const socket = connect(path).on('error', () => {});
    socket.write(line);
    t.equal((await text(socket).catch(() => '')).trim(), '', line.slice(0, 20));
  }
  const half = connect(path);
  half.end('status');
  t.match(await run('reload'), { code: 0 });
});

test('A command gives up on a service that answers nonsense, or ends the connection', async (t) => {
  const folder = makeFolder(t);
  const environment = { DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}`, PORT: '5000' };
  for (const [answer, says] of [
    ['{"replaced":"2"}\n', /is of another version, whose answer can't be read/],
    ['', /could not be asked: it ended the connection/],
    ['x'.repeat(2 ** 21), /could not be asked: its line is too long/],
  ] as const) {
    const server = createServer((socket) => socket.on('error', () => {}).end(answer));
    await new Promise<void>((resolve) => server.listen(join(folder, 'control-5000.sock'), resolve));
    fails(t, await manage(['reload'], { environment }), says);
    server.close();
  }
});
