/** The commands of the bench run, each once and briefly. Figures of such a run mean nothing. */
import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { findGalera } from '../support/galera.ts';
import { PROJECT } from '../support/processes.ts';

/** A bench that loaded tap would fail after a second. */
const env = { ...process.env, TAP_TIMEOUT: '1' };

const COMMANDS = [
  ['compare', '--rounds', '1', '--seconds', '1'],
  ['flood', '--rounds', '1', '--seconds', '1'],
  ['scale', '--rounds', '1', '--seconds', '1', '--users', '1000,2000'],
  ['start', '--rounds', '1'],
];

for (const args of COMMANDS) {
  test(`npm run bench -- ${args.join(' ')} prints its table`, async (t) => {
    const command = ['run', '-s', 'bench', '--', ...args, '--engine', 'sqlite'];
    const output = execFileSync('npm', command, { cwd: PROJECT, env, encoding: 'utf8' });
    t.match(output, /^\| SQLite \|/m);
  });
}

const skip = findGalera() ? false : 'Galera is not installed';
test('npm run bench -- galera prints its table', { skip }, async (t) => {
  const command = ['run', '-s', 'bench', '--', 'galera', '--rounds', '1'];
  const output = execFileSync('npm', command, { cwd: PROJECT, env, encoding: 'utf8' });
  t.match(output, /^\| nothing \| with waiting \|/m);
});
