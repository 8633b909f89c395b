/** JSON values that a field of a body must not accept, by the kind of field. */

/** JSON values that no text field accepts. */
export const NO_TEXT = [
  '1',
  'true',
  '{}',
  '["x"]',
  '"a\\u0000b"',
  '"a\\ud800b"',
  '"\\udc00"',
  '"\\udfff\\ud83e"',
];
export const LINES = [...NO_TEXT, 'null', '"a\\nb"', '"\\u001b[0m"', '"a\\u0085b"', '"a\\u007fb"'];

/** Turns each value into JSON. */
export const json = (...texts: unknown[]) => texts.map((text) => JSON.stringify(text));

export const USERNAMES = [
  ...LINES,
  ...json('', ' ', 'a b', 'a@b', 'a\u00a0b', 'a\u3000b', 'x'.repeat(65), '🦊'.repeat(65)),
  // Control and format characters, private use, unassigned.
  ...json('a\u200bb', '\ufeffann', 'a\u202eb', 'a\u00adb', 'a\ue000b', 'a\u0378b'),
  // Only the compatibility form (NFKC) shows the fault: an @, a space, too many characters.
  ...json('a\uff20b', 'a\ufe6bb', '\ufdfa', 'a\u00a8', 'a\u2017', '\ufb03'.repeat(22), '\u3300'.repeat(17)),
];
/** Invisible characters that Unicode counts as letters or marks: fillers, joiners, variation selectors. */
export const INVISIBLE = json(
  '\u3164',
  '\u115f',
  '\uffa0',
  '\u034f',
  '\ufe0f',
  '\u180b',
  '\u{e0100}',
).flatMap((each) => [each, each.replace(/^"/, '"ann')]);
export const EMAILS = [
  ...NO_TEXT,
  ...json('', 'x', '@', 'a@', '@b', 'a@b@c', 'a b@c', ' a@b', 'a@b ', 'a@b\n', 'a\u200b@b'),
  ...json(`${'x'.repeat(250)}@x.yz`, 'a@b\uff20c', 'a\uff20b', '\ufdfa@b', `${'\ufb03'.repeat(90)}@b`),
];
export const NAMES = [...LINES, ...json('x'.repeat(201))];
export const FLAGS = ['null', '0', '1', '"true"', '""', '[]', '{}'];
export const GROUP_NAMES = [
  ...LINES,
  ...json('', 'Team', 'a b', '-a', '.a', '_a', 'ä', 'ａ', 'a/b', 'a\n', 'x'.repeat(65)),
];
export const PERMISSION_LISTS = ['null', '"a:b"', '{}', '1', ...json(['a:b', 'a:b'], Array(101).fill('a:b'))];
export const PERMISSIONS = [
  ...LINES,
  ...json('', '**', '*:*', 'a:*', 'a', 'a:', ':b', 'A:b', 'a:b:c', 'a b:c', `a:${'b'.repeat(64)}`),
];
export const NEW_PASSWORDS = [...NO_TEXT, 'null', ...json('1234567', 'x'.repeat(129), '🦊'.repeat(129))];
export const ROLES = ['null', '1', '[]', ...json('', 'admin', 'Member', 'member ', '*')];
