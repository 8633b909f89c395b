/** Passwords that are typed at a real terminal, which `script` (of util-linux) gives to the command. */
import { onEachEngine } from '../support/engines.ts';
import { PROJECT } from '../support/processes.ts';
import { Running } from '../support/running.ts';
import { startService } from '../support/service.ts';

onEachEngine('A password is asked for twice', async (t, engine) => {
  const { app, settings } = await startService(t, engine);

  /** Types each line when the prompt asks for it. @returns what the terminal showed. */
  async function createBy(username: string, ...lines: [string | Buffer, string | Buffer]): Promise<string> {
    const line = `${process.execPath} manage.ts user create ${username}`;
    const environment = { DATABASE_URL: settings.DATABASE_URL };
    const terminal = new Running(PROJECT, 'script', ['-qec', line, '/dev/null'], environment, 'pipe');
    t.teardown(() => terminal.kill());
    for (const [index, question] of ['Password', 'The same again'].entries()) {
      await terminal.says(question, (stdout) => stdout.includes(question) || undefined);
      terminal.child.stdin?.write(Buffer.concat([Buffer.from(lines[index] ?? ''), Buffer.from('\r')]));
    }
    await terminal.exit;
    return terminal.output.stdout;
  }

  const typed = 'pässwörd of ann';
  t.match(await createBy('ann', typed, typed), /created ann/);
  const verified = await app.db.users.findCredentials('ann');
  t.equal(await app.passwords.verify(verified?.passwordHash, typed), true);

  t.match(await createBy('bob', 'one password', 'another password'), /The two passwords differ/);
  const latin = Buffer.from('pässwörd of bob', 'latin1');
  t.match(await createBy('bob', latin, latin), /The password is not text in UTF-8/);
  t.equal(await app.db.users.findCredentials('bob'), undefined);
});
