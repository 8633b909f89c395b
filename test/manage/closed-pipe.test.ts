/** What commands do when what they print goes to a full disk, to nobody, or to a file that others can read, with real descriptors. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { objects } from '../support/commands.ts';
import { makeFolder, manage, PROJECT, type Result, run } from '../support/processes.ts';

const FULL = /^manage: Standard output could not be written: ENOSPC: .+\n$/;
const CLOSED = /^manage: Standard output could not be written: EPIPE: .+\n$/;

test('Commands whose output can not be written', async (t) => {
  const folder = makeFolder(t);
  const environment = { DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}` };
  /** Runs the command in a shell, with what stands behind and before it there. */
  const shell = (command: string, behind: string, before = ''): Promise<Result> => {
    const line = `${before} umask 022; set -o pipefail; cd "${folder}"; "${process.execPath}" "${PROJECT}/manage.ts" ${command} ${behind}`;
    return run(PROJECT, 'bash', ['-c', line], { environment });
  };
  const succeeds = async (...args: string[]) => {
    const result = await manage(args, { environment });
    t.match(result, { code: 0 });
    return result;
  };

  await t.test('A command goes on when nobody reads what it prints, and then fails', async (t) => {
    t.match(await shell('db upgrade', '| true'), { code: 1, stderr: CLOSED });
    t.match(await succeeds('db', 'current'), { stdout: /^\d{4}_\w+\n$/ });
  });
  await succeeds('user', 'create', 'ann', '--code');

  await t.test(
    'It fails with one line where the disk is full, and without one where that is full, too',
    async (t) => {
      t.match(await shell('user list', '> /dev/full'), { code: 1, stdout: '', stderr: FULL });
      t.match(await shell('user list', '> /dev/full 2>&1'), { code: 1, stdout: '', stderr: '' });
    },
  );

  await t.test('A secret for a closed descriptor is taken back', async (t) => {
    const made = await shell('token create ann deploy', '>&-');
    t.match(made, {
      code: 1,
      stderr: /^It was taken back\.\nmanage: Standard output is closed or \/dev\/null/,
    });
    t.same(objects(await succeeds('token', 'list', 'ann', '--json')), []);
  });

  await t.test('A key that can not be written leaves no file', async (t) => {
    // A file may have no byte, as on a full disk. The signal that says so would end the process.
    const failed = await shell('secret key.txt', '', "trap '' XFSZ; ulimit -f 0;");
    t.match(failed, { code: 1, stdout: '', stderr: /^manage: EFBIG: .+\n$/ });
    t.notOk(existsSync(join(folder, 'key.txt')));
  });

  await t.test('A secret in a file that others can read is told', async (t) => {
    for (const [command, secret] of [
      ['secret', /^[\w-]{43}\n$/],
      ['user code ann', /^rcc_[\w-]+\n$/],
    ] as const) {
      const written = await shell(command, '> secret.txt');
      t.match(written, { code: 0, stderr: /Other users can read the file .* \(mode 0644\).* "chmod 600"/ });
      t.match(readFileSync(join(folder, 'secret.txt'), 'utf8'), secret);
    }
  });
});
