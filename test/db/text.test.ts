/** How names and addresses are compared. Rows of names that people have, with the reasons, are in test/accounts/odd-names.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { foldCase, KEY_GROWTH, normalizeIdentifier, searchPrefix } from '../../db/text.ts';

const TABLE = readFileSync(join(import.meta.dirname, '../support/case-folding.txt'), 'utf8');

const fromHex = (text: string) =>
  text
    .split(' ')
    .map((digits) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .join('');

const FOLDED = new Map(
  TABLE.split('\n')
    .filter((line) => /^[0-9A-F]/.test(line))
    .map((line) => line.split('; '))
    .map(([from = '', , to = '']) => [fromHex(from), fromHex(to)]),
);

/** All but those that are nothing but themselves: unassigned, private, surrogates, ideographs. */
const CHARACTERS = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter(
  (each) => !/[\p{C}\p{Ideographic}]/u.test(each),
);

/** Unicode folds Cherokee letters to upper-case, which makes the same letters equal. */
const lowerCherokee = (text: string) =>
  text.replaceAll(/[\u13a0-\u13f5]/gu, (letter) => letter.toLowerCase());

test('Case folding equals CaseFolding.txt of Unicode for every character', async (t) => {
  t.equal(FOLDED.size, 1585);
  t.equal(
    process.versions.unicode,
    '17.0',
    'if Node has a newer Unicode, renew test/support/case-folding.txt',
  );
  const wrong = CHARACTERS.filter(
    (each) => lowerCherokee(FOLDED.get(each) ?? each) !== lowerCherokee(foldCase(each)),
  );
  t.strictSame(wrong, []);
});

test('Case folding does not depend on where in a word a letter stands', async (t) => {
  const letters = [...FOLDED.keys()];
  const apart = letters.map((letter) => foldCase(letter)).join('');
  t.equal(foldCase(letters.join('')), apart);
  const atEnds = letters.map((letter) => foldCase(`a${letter}`).slice(1));
  t.equal(atEnds.join(''), apart);
});

test('Normalized text stays as it is when it is normalized again, and is not much longer', async (t) => {
  for (const normalize of [normalizeIdentifier, searchPrefix])
    t.strictSame(
      CHARACTERS.filter((each) => normalize(normalize(each)) !== normalize(each)),
      [],
    );
  const isLong = (each: string) =>
    [...normalizeIdentifier(each)].length > KEY_GROWTH * [...each.normalize('NFKC')].length;
  t.strictSame(CHARACTERS.filter(isLong), []);
});

test('Texts that version 0003 held equal are equal', async (t) => {
  // Else migration 0004 could meet duplicates halfway, which are none at its end.
  const earlier = (text: string) => text.normalize('NFKC').toLowerCase().normalize('NFKC');
  t.strictSame(
    CHARACTERS.filter((each) => normalizeIdentifier(earlier(each)) !== normalizeIdentifier(each)),
    [],
  );
});
