/** The list of common passwords that comes with the service. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { readCommonPasswords } from '../../../accounts/passwords/common.ts';
import { foldCase } from '../../../db/text.ts';
import { PROJECT } from '../../support/processes.ts';

test('The list of common passwords has more than ten thousand, as they are compared', async (t) => {
  const common = await readCommonPasswords();
  const text = readFileSync(join(PROJECT, 'accounts/passwords/common-passwords.txt'), 'utf8');
  t.ok(common.size >= 10_000);
  t.match(text.split('\n\n')[0], `${common.size} of eight characters and more`, 'the file says how many');
  for (const password of ['password', 'password1', 'qwertyuiop', '12345678', 'iloveyou', 'trustno1'])
    t.ok(common.has(password), password);
  const odd = [...common].filter((each) => each.length < 8 || foldCase(each) !== each);
  t.strictSame(odd, [], 'none could never be found');
});
