/**
 * Configuration files as people write them. One line is one setting: whatever it looks like, it must neither take in the next line
 * nor lose a part of its own value unseen.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeFolder } from '../support/processes.ts';
import { faultsOf } from '../support/settings.ts';

/** What a file gives: the settings that it must set, or the beginnings of the lines that must refuse it. */
const FILES: { why: string; file: string | Uint8Array; gives: Record<string, unknown> | string[] }[] = [
  {
    why: 'An empty setting with a blank behind it leaves the next line alone',
    file: 'AUTH_HACK_USER= \nNODE_ENV=test\nHOST=\t\nPORT=81\n',
    gives: { AUTH_HACK_USER: undefined, NODE_ENV: 'test', HOST: '127.0.0.1', PORT: 81 },
  },
  {
    why: 'An empty setting before a quoted one leaves that one alone',
    file: 'AUTH_HACK_USER=\n"PORT"=1\n',
    gives: ['Line 2 of <path> is not of the form NAME=value'],
  },
  {
    why: 'Blanks and tabs around the name and the value do not count',
    file: '  PORT \t=  81 \t\n\tHOST=::1\n',
    gives: { PORT: 81, HOST: '::1' },
  },
  { why: 'A value in double quotes ends with them', file: 'HOST="::1" # why\n', gives: { HOST: '::1' } },
  { why: 'A value in single quotes ends with them', file: "HOST='::1'\n", gives: { HOST: '::1' } },
  { why: 'A value in backquotes ends with them', file: 'HOST=`::1`\n', gives: { HOST: '::1' } },
  {
    why: 'A # in quotes is part of the value',
    file: 'NODE_ENV=test\nAUTH_HACK_USER="#ann"\n',
    gives: { AUTH_HACK_USER: '#ann' },
  },
  {
    why: 'A quote in the middle is part of the value',
    file: "NODE_ENV=test\nAUTH_HACK_USER=o'neill\n",
    gives: { AUTH_HACK_USER: "o'neill" },
  },
  {
    why: 'A backslash is part of the value, in quotes as well',
    file: 'DATABASE_URL="sqlite:/a\\nb"\n',
    gives: { DATABASE_URL: 'sqlite:/a\\nb' },
  },
  {
    why: 'A quote that is never closed does not reach the next line',
    file: 'HOST="::1\nPORT=81\n"\n',
    gives: [
      'Line 1 of <path> gives HOST a value that begins with a quote',
      'Line 3 of <path> is not of the form',
    ],
  },
  {
    why: 'Text behind the closing quote is refused',
    file: 'HOST="::1"x\n',
    gives: ['Line 1 of <path> gives HOST a value that begins with a quote'],
  },
  { why: 'export is taken, as shells write it', file: 'export PORT=81\n', gives: { PORT: 81 } },
  {
    why: 'export without a value is refused',
    file: 'export PORT\n',
    gives: ['Line 1 of <path> is not of the form'],
  },
  {
    why: 'A comment may stand behind a value',
    file: 'PORT=81 # the port\nHOST=::1\t#x\n',
    gives: { PORT: 81, HOST: '::1' },
  },
  {
    why: 'A # without a blank before it is part of the value',
    file: 'DATABASE_URL=mysql://u:p#w@h/d\n',
    gives: ['DATABASE_URL is invalid (given in <path>)'],
  },
  {
    why: 'A value that begins with # is no comment',
    file: 'NODE_ENV=test\nAUTH_HACK_USER=#ann\n',
    gives: { AUTH_HACK_USER: '#ann' },
  },
  {
    why: 'A comment in the place of a value leaves the setting empty',
    file: 'PORT= # later\n',
    gives: { PORT: 5000 },
  },
  {
    why: 'An equals sign in a value is part of it',
    file: 'DATABASE_URL=sqlite:/a=b\n',
    gives: { DATABASE_URL: 'sqlite:/a=b' },
  },
  { why: 'Lines may end as on Windows', file: 'PORT=81\r\nHOST=::1\r\n', gives: { PORT: 81, HOST: '::1' } },
  { why: 'Lines may end as on old Macs', file: 'PORT=81\rHOST=::1\r', gives: { PORT: 81, HOST: '::1' } },
  { why: 'A byte order mark at the start does not count', file: '\uFEFFPORT=81\n', gives: { PORT: 81 } },
  { why: 'The last line needs no end', file: 'HOST=::1\nPORT=81', gives: { HOST: '::1', PORT: 81 } },
  {
    why: 'A name that means something to JavaScript is no setting',
    file: '__proto__=x\nconstructor=1\n',
    gives: ['__proto__ (given in <path>) is not a setting', 'constructor (given in <path>) is not a setting'],
  },
  { why: 'A file may be empty', file: '', gives: { PORT: 5000 } },
  {
    why: 'UTF-16, as Notepad writes it, is refused rather than misread',
    file: Buffer.from('\uFEFFPORT=81\n', 'utf16le'),
    gives: ["APP_CONFIG_FILE names <path>, which can't be read: it is not text in UTF-8"],
  },
  {
    why: 'Latin-1 is refused: its letters would become other letters',
    file: Buffer.from('AUTH_HACK_USER=jürgen\n', 'latin1'),
    gives: ["APP_CONFIG_FILE names <path>, which can't be read: it is not text in UTF-8"],
  },
  {
    why: 'A setting that stands twice is refused, as one of the two is a mistake',
    file: 'PORT=81\nHOST=::1\nPORT=82\n',
    gives: ['Line 3 of <path> gives PORT again, which line 1 gives already'],
  },
  {
    why: 'An empty one counts as one of the two',
    file: 'PORT=\nPORT=82\n',
    gives: ['Line 2 of <path> gives PORT again'],
  },
  { why: 'A blank in quotes is empty', file: 'PORT="   "\n', gives: { PORT: 5000 } },
  { why: 'A hexadecimal number is refused', file: 'PORT=0x17DA\n', gives: ['PORT is "0x17DA"'] },
  { why: 'A number with an exponent is refused', file: 'PORT=1e3\n', gives: ['PORT is "1e3"'] },
  { why: 'A number with a sign is refused', file: 'PORT=+81\n', gives: ['PORT is "+81"'] },
  { why: 'A fraction is refused', file: 'PORT=81.0\n', gives: ['PORT is "81.0"'] },
  {
    why: 'A number with separators is refused',
    file: 'SESSION_IDLE=7_200\n',
    gives: ['SESSION_IDLE is "7_200"'],
  },
  { why: "Another script's digits are refused", file: 'PORT=８１\n', gives: ['PORT is "８１"'] },
  { why: 'A boolean in capitals is refused', file: 'DOCS=TRUE\n', gives: ['DOCS is "TRUE"'] },
  {
    why: 'A name in small letters is no setting',
    file: 'port=81\n',
    gives: ['port (given in <path>) is not a setting'],
  },
  {
    why: 'A name with a hyphen is refused',
    file: 'LOG-LEVEL=info\n',
    gives: ['Line 1 of <path> is not of the form'],
  },
  { why: 'YAML is refused', file: 'PORT: 81\n', gives: ['Line 1 of <path> is not of the form'] },
  { why: 'An ini section is refused', file: '[server]\n', gives: ['Line 1 of <path> is not of the form'] },
  { why: 'A line without a name is refused', file: '=81\n', gives: ['Line 1 of <path> is not of the form'] },
];

test('A configuration file is read line by line', async (t) => {
  for (const { why, file, gives } of FILES) {
    t.test(why, async (t) => {
      const folder = makeFolder(t);
      const path = join(folder, 'settings.env');
      writeFileSync(path, file);
      const environment = { APP_CONFIG_FILE: path };
      if (!Array.isArray(gives)) {
        const settings = loadSettings({ root: folder, environment });
        return t.match(settings, gives, JSON.stringify(file));
      }
      const faults = faultsOf(folder, environment);
      t.equal(faults.length, gives.length, faults.join('\n'));
      for (const [index, line] of gives.entries())
        t.ok(faults[index]?.startsWith(line.replace('<path>', path)), `${faults[index]} begins with ${line}`);
    });
  }
});

test('A blank value is an empty one, wherever it is given', async (t) => {
  const folder = makeFolder(t);
  const settings = loadSettings({
    root: folder,
    environment: { PORT: '   ', WORKERS: '\t' },
    flags: { HOST: ' ' },
  });
  t.match(settings, { PORT: 5000, HOST: '127.0.0.1' });
  t.same(faultsOf(folder, { PORT: ' 81 ' }), [], 'blanks around a value do not count');
  t.match(faultsOf(folder, { PORT: '0x17DA' }), [/^PORT is "0x17DA" \(given in the environment\)/]);
  t.match(faultsOf(folder, {}, { PORT: '1e3' }), [/^PORT is "1e3" \(given on the command line\)/]);
});
