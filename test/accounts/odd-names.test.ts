/**
 * Names and addresses as people have them: which are the same account, which are not, which are refused, and what the search
 * finds. Each row says why. Keys are compared here and not by the engines, so both give the same answers.
 */
import type { App } from '../../app.ts';
import { makeId } from '../../db/ids.ts';
import { commandsOn, fails, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

/** Usernames, or e-mail addresses if they have an @. */
const SAME = [
  { one: 'ann', other: 'ANN', why: 'case does not matter' },
  { one: 'ΟΔΥΣΣΕΥΣ', other: 'οδυσσευς', why: 'ς is the σ at the end of a word' },
  { one: 'λογοσ', other: 'Λογος', why: 'σ and ς fold to the same letter wherever they stand' },
  { one: 'straße', other: 'STRASSE', why: 'ß folds to ss' },
  { one: 'groẞ', other: 'gross', why: 'so does the capital ẞ' },
  { one: 'Jürgen', other: 'Ju\u0308rgen', why: 'a combining mark is the same letter (NFKC)' },
  { one: 'ｗｉｄｅ', other: 'wide', why: 'full-width letters are compatible (NFKC)' },
  { one: 'ﬁnn', other: 'FINN', why: 'a ligature is its letters (NFKC)' },
  { one: 'Kelvin', other: 'Kelvin', why: 'the Kelvin sign is a K (NFKC)' },
  { one: 'ⓐ①', other: 'a1', why: 'letters and digits in circles are compatible (NFKC)' },
  { one: 'И҆́ван', other: 'и҆́ВАН', why: 'case of Cyrillic letters, with marks' },
  { one: 'ᏣᎳᎩ', other: 'ꮳꮃꭹ', why: 'Cherokee has small letters since Unicode 8' },
  { one: 'm@example.com', other: 'M@EXAMPLE.COM', why: 'case does not matter in addresses either' },
  { one: 'dot@example.com', other: 'dot@example.com.', why: 'a dot at the end of a domain is its root' },
  { one: 'b@bücher.example', other: 'b@xn--bcher-kva.example', why: 'Punycode is the same domain in ASCII' },
  { one: 'b2@bücher.example', other: 'b2@BÜCHER.example', why: 'domains have no case' },
  { one: 'b3@bu\u0308cher.example', other: 'b3@bücher.example', why: 'a combining mark in a domain' },
  { one: 's@straße.example', other: 's@xn--strae-oqa.example', why: 'ß is a letter of DNS (IDNA 2008)' },
  { one: 'w@ｅｘａｍｐｌｅ.com', other: 'w@example.com', why: 'full-width letters in a domain' },
  { one: 'k@例え。jp', other: 'k@xn--r8jz45g.jp', why: 'the ideographic full stop separates labels' },
  { one: 'σ@example.com', other: 'ς@example.com', why: 'the part before the @ folds as usernames do' },
  { one: 'h@דוגמה.example', other: 'h@xn--6dbbec0c.example', why: 'a domain from right to left' },
];

const DIFFERENT = [
  { one: 'istanbul', other: 'İstanbul', why: 'İ folds to i with a dot above' },
  { one: 'sinir', other: 'sınır', why: 'ı is another letter than i and has no other case' },
  { one: 'Muller', other: 'Müller', why: 'marks matter to whose account it is' },
  { one: 'paypal', other: 'pаypal', why: 'the Cyrillic а only looks like a (see docs/authorization.md)' },
  { one: 'Alpha', other: 'Αlpha', why: 'so does the Greek capital alpha' },
  { one: '0', other: 'O', why: 'a digit and a letter' },
  { one: 'שלום', other: 'םולש', why: 'from right to left, the order of letters still matters' },
  { one: '🦊', other: '🐻', why: 'symbols are characters like others' },
  { one: 'カ', other: 'ガ', why: 'a voiced sound is another letter' },
  {
    one: 'a@strasse.example',
    other: 'a@straße.example',
    why: 'two domains for DNS, which may have two owners',
  },
  { one: 'a+b@example.com', other: 'a@example.com', why: 'only the mail server knows what a plus means' },
  { one: 'a.b@example.com', other: 'ab@example.com', why: 'only the mail server knows what a dot means' },
  { one: 'x@example.com', other: 'x@example.org', why: 'another domain' },
];

const REFUSED = [
  { name: '.', why: 'as the last part of a path it is the folder' },
  { name: '..', why: 'as the last part of a path it is the folder above' },
  { name: '‥', why: 'is compared as ..' },
  { name: 'a/b', why: 'is two parts of a path' },
  { name: '／', why: 'is compared as /' },
  { name: 'a\\b', why: 'browsers take it for a slash' },
  { name: 'a?b', why: 'begins a query' },
  { name: 'a#b', why: 'begins a fragment' },
  { name: '100%', why: 'begins an escape in a path' },
  { name: 'a b', why: 'has a space' },
  { name: 'a\u00a0b', why: 'has a space that does not break' },
  { name: 'a\u200db', why: 'has a character that nobody sees' },
  { name: 'a\u202eb', why: 'has a mark that turns the direction of the text round' },
  { name: 'ann@home', why: 'looks like an address' },
  { name: 'ann＠home', why: 'is compared as if it looked like an address' },
  { name: 'ﷺ'.repeat(5), why: 'is longer than 64 characters as it is compared' },
  { name: 'ß'.repeat(33), why: 'is longer than 64 characters as it is compared' },
  { email: 'a..b@x', why: 'has two dots in a row' },
  { email: '.a@example.com', why: 'begins with a dot' },
  { email: 'a.@example.com', why: 'has a dot before the @' },
  { email: 'a@-x.com', why: 'a label may not begin with a dash' },
  { email: 'a@x-.com', why: 'a label may not end with a dash' },
  { email: 'a@example..com', why: 'has an empty label' },
  { email: 'a@example.com..', why: 'has an empty label before the root' },
  { email: 'a@.example.com', why: 'has an empty label at the beginning' },
  { email: 'a@.', why: 'has no domain' },
  { email: 'a@', why: 'has no domain' },
  { email: '@example.com', why: 'has nothing before the @' },
  { email: 'a@b@example.com', why: 'has two @' },
  { email: 'a@under_score.com', why: 'host names have no underscores' },
  { email: 'a@127.0.0.1', why: 'an IP address is no domain' },
  { email: 'a@0x7f.1', why: 'is an IP address, too' },
  { email: 'a@[127.0.0.1]', why: 'nor is one in brackets' },
  { email: 'a@example.com/b', why: 'a slash would end the domain' },
  { email: 'a@ex%61mple.com', why: 'escapes are for URLs' },
  { email: `a@${'x'.repeat(64)}.com`, why: 'a label is longer than 63 characters' },
  { email: `a@${'ü'.repeat(60)}.com`, why: 'a label is longer than 63 characters in ASCII' },
  { email: 'a,b@example.com', why: 'a comma separates addresses' },
  { email: '<a@example.com>', why: 'brackets are around an address' },
  { email: '"a"@example.com', why: 'quotes are for what hardly any server takes' },
];

const ALLOWED = [
  { name: '...', why: 'three dots are a name' },
  { name: "o'neil", why: 'an apostrophe is no danger to SQL with placeholders' },
  { name: '-rf', why: 'commands take it after --' },
  { name: 'null', why: 'is text' },
  { email: "o'neil+tag@example.com", why: 'RFC 5322 has these characters' },
  { email: 'root@localhost', why: 'a domain may have one label' },
  { email: '用户@例子.example', why: 'RFC 6531 has any letters' },
  { email: 'a@☃.example', why: 'some registries have such domains' },
];

/** The names of users, and what finds them. */
const FOUND = [
  { name: 'Jürgen', q: 'jurgen', why: 'the search takes off marks' },
  { name: 'Jurgen Groß', q: 'JÜRGEN GROSS', why: 'from both sides, and folds case' },
  { name: 'İstanbul', q: 'istanbul', why: 'the dot above is a mark' },
  { name: 'Οδυσσεύς', q: 'ΟΔΥΣΣΕΥΣ', why: 'the accent is a mark, and ς is σ' },
  { name: 'ΟΔΥΣΣΕΥΣ', q: 'ΟΔΥΣ', why: 'a Σ at the end of what was typed is in the middle of the name' },
  { name: 'ｗｉｄｅ Ｎａｍｅ', q: 'wide n', why: 'full-width letters are compatible' },
  { name: 'Zoe\u0308', q: 'Zoë', why: 'a combining mark is the same letter' },
  { name: 'Łódź', q: 'łodz', why: 'the stroke of ł is no mark, that of ź is' },
];

const NOT_FOUND = [
  { name: 'Işık', q: 'isik', why: 'ı is another letter than i' },
  { name: 'Łódź', q: 'lodz', why: 'ł is another letter than l' },
  { name: 'Anna Moss', q: 'moss', why: 'the search compares beginnings' },
];

const isAddress = (text: string) => text.includes('@');

let count = 0;

function bodyFor(text: string) {
  const username = isAddress(text) ? `user-${++count}` : text;
  return { username, password: PASSWORD, ...(isAddress(text) ? { email: text } : {}) };
}

async function start(app: App): Promise<Client> {
  await makeUser(app, 'chief', { admin: true });
  return signedIn(app, 'chief');
}

onEachEngine('Names and addresses are the same account or not as people expect', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const chief = await start(app);
  const create = async (text: string) => chief.request('POST', '/api/users', bodyFor(text));
  for (const { one, other, why } of SAME) {
    const made = await create(one);
    t.equal(made.statusCode, 201, `${one} is taken up: ${made.payload}`);
    t.equal((await create(other)).statusCode, 409, `${other} is taken by ${one}: ${why}`);
    const signIn = await new Client(app).signIn(other);
    t.equal(signIn.json().user?.id, made.json().id, `${other} signs in as ${one}`);
  }
  for (const { one, other, why } of DIFFERENT) {
    const [made, different] = [await create(one), await create(other)];
    t.equal(made.statusCode, 201, `${one} is taken up: ${made.payload}`);
    t.equal(different.statusCode, 201, `${other} is not ${one}: ${why}; ${different.payload}`);
    for (const [text, { id }] of [
      [one, made.json()],
      [other, different.json()],
    ] as const)
      t.equal((await new Client(app).signIn(text)).json().user?.id, id, `${text} signs in as itself`);
  }
});

onEachEngine('New names and addresses are refused or taken up as their forms say', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing, settings: { SIGN_UP: 'open' } });
  const chief = await start(app);
  const id = await makeUser(app, 'ann');
  const fields = ({ name, email }: { name?: string; email?: string }) =>
    email === undefined ? { username: name } : { email };
  for (const row of REFUSED) {
    const [field = ''] = Object.keys(fields(row));
    const what = `${JSON.stringify(fields(row))} ${row.why}`;
    const body = { username: `user-${++count}`, password: PASSWORD, ...fields(row) };
    for (const answer of [
      await chief.request('POST', '/api/users', body),
      await chief.request('PATCH', `/api/users/${id}`, fields(row)),
      await new Client(app).request('POST', '/api/sign/up', body),
    ]) {
      t.equal(answer.statusCode, 400, `${what}: ${answer.payload}`);
      t.match(answer.json().errors, [{ pointer: `/${field}` }], what);
    }
  }
  for (const row of ALLOWED) {
    const body = { username: `user-${++count}`, password: PASSWORD, ...fields(row) };
    const answer = await chief.request('POST', '/api/users', body);
    t.equal(answer.statusCode, 201, `${JSON.stringify(fields(row))} ${row.why}: ${answer.payload}`);
  }
});

onEachEngine('The search takes off case and marks', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const chief = await start(app);
  for (const [rows, found] of [
    [FOUND, true],
    [NOT_FOUND, false],
  ] as const) {
    for (const { name, q, why } of rows) {
      const username = `user-${++count}`;
      await chief.request('POST', '/api/users', { username, name });
      const { items } = (
        await chief.request('GET', `/api/users?q=${encodeURIComponent(q)}&limit=100`)
      ).json();
      const names = items.map((item: { username: string }) => item.username);
      t.equal(names.includes(username), found, `${q} ${found ? 'finds' : 'does not find'} ${name}: ${why}`);
    }
  }
  const address = { username: 'Çelik', email: 'çelik@bücher.example' };
  await chief.request('POST', '/api/users', address);
  for (const q of ['celik', 'celik@bu', 'ÇELİK@BÜCHER']) {
    const { items } = (await chief.request('GET', `/api/users?q=${encodeURIComponent(q)}`)).json();
    t.match(items, [{ username: 'Çelik' }], `${q} finds a username or an address with marks`);
  }
});

onEachEngine('Users whose names and addresses are not allowed any more keep working', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const chief = await start(app);
  const command = commandsOn(settings.DATABASE_URL);
  const passwordHash = await quickHashing.hash(PASSWORD);
  const users = [
    { username: '..', email: 'a..b@x' },
    { username: 'a/b', email: 'a@example..com' },
    { username: 'a%41', email: 'a@-x.com' },
  ].map((each) => ({ ...each, id: makeId(), name: '', active: true, passwordHash }));
  await app.db.atomically(users.map((each) => app.db.users.add(each, Date.now())));
  for (const { id, username, email } of users) {
    for (const name of [username, email, email.toUpperCase()])
      t.equal((await new Client(app).signIn(name)).statusCode, 200, `${name} signs in`);
    const renamed = await chief.request('PATCH', `/api/users/${id}`, { name: 'New' });
    t.match(renamed.json(), { username, email, name: 'New' });
    t.match((await chief.request('GET', `/api/users/${id}`)).json(), { username, email });
    const { items } = (await chief.request('GET', `/api/users?q=${encodeURIComponent(email)}`)).json();
    t.match(items, [{ username }], 'the search finds the address');
  }
  succeeds(t, await command(['user', 'show', 'a/b']), /a@example\.\.com/);
  succeeds(t, await command(['user', 'disable', 'A..B@X']), /^\.\. is disabled\n$/);
  fails(t, await command(['user', 'create', 'c/d', '--code']), /The name "c\/d" must be a name without/);
  fails(
    t,
    await command(['user', 'create', 'cd', '--email', 'c@d..e', '--code']),
    /must be an e-mail address/,
  );
});
