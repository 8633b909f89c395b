/** What clients and operators have sent controls no terminal: commands print control characters as visible text, in errors as well. */
import { commandsOn } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, startService } from '../support/service.ts';

const EVIL = 'x\u009b31mRed\u0085forged line\u007f';
const VISIBLE = 'x\\u009b31mRed\\u0085forged line\\u007f';
/** As an operator could type it. */
const TYPED = `${EVIL}\u001b[2J\r\u202e\u2028\u2029`;
const TYPED_VISIBLE = `${VISIBLE}\\u001b[2J\\u000d\\u202e\\u2028\\u2029`;

onEachEngine('Commands print control characters as visible text', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const credentials = { username: 'ann', password: PASSWORD };
  const response = await new Client(app).request('POST', '/api/sign/in', credentials, { 'user-agent': EVIL });
  t.equal(response.statusCode, 200);
  const command = commandsOn(settings.DATABASE_URL);
  const rows = [
    { args: ['session', 'list', 'ann'], shows: VISIBLE },
    { args: ['session', 'list', 'ann', '--json'], shows: VISIBLE },
    { args: ['audit', 'list', '--json'], shows: VISIBLE },
    { args: [TYPED], shows: TYPED_VISIBLE },
    { args: ['user', TYPED], shows: TYPED_VISIBLE },
    { args: ['user', 'list', `--${TYPED}`], shows: TYPED_VISIBLE },
    { args: ['session', 'list', TYPED], shows: /x\\u009b31m.*\\u2028\\u2029/ },
    { args: ['session', 'end', 'ann', TYPED], shows: /x\\u009b31m.*\\u2028\\u2029/ },
    { args: ['group', 'create', TYPED], shows: /manage: / },
  ];
  for (const { args, shows } of rows) {
    const line = args.join(' ').replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?');
    t.test(`manage ${line} prints no control character`, async (t) => {
      const { stdout, stderr } = await command(args);
      const printed = stdout + stderr;
      t.notMatch(printed.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
      t.match(printed, shows);
      if (args.includes('--json')) for (const each of stdout.trimEnd().split('\n')) JSON.parse(each);
    });
  }
});
