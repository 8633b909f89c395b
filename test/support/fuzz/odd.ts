/** Odd parts of requests: what a proxy, a script or an attacker may send in the place of what is right. */
import fc from 'fast-check';
import { RawText, reference, SOME_ID } from './values.ts';

const LONG = 'x'.repeat(5000);

/** Text that is hardly what it should be. A lone surrogate can be in a body only. */
const oddText = fc.oneof(
  fc.constantFrom('', ' ', '0', '-1', '1e999', 'NaN', 'null', 'true', '*', '.', '..', '../..', 'a/b', '\\'),
  fc.constantFrom(
    'a\u0000b',
    '\ufeff',
    '\u202e',
    '\u0085',
    "' OR 1=1 --",
    '%',
    '$(x)',
    '<b>',
    '__proto__',
    LONG,
  ),
  fc.constantFrom(SOME_ID, 'ffffffff-ffff-7fff-bfff-ffffffffffff'),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
);

/** What may stand in the path or the query in place of something right. */
export const oddParts: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom('%zz', '%', '%00', '%c3%28', '%2e%2e%2f', '+', ';', '=').map((text) => new RawText(text)),
  fc.constantFrom('users', 'groups', 'sessions', 'tokens', 'code').chain(reference),
);

/** What may stand in a body in place of something right. */
export const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, [], {}, [[]], '\ud83e', [null], { a: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('users', 'groups', 'username').chain(reference),
);

/** Odd values of headers, by their names. */
const HEADERS: Record<string, readonly string[]> = {
  'if-match': ['', '*', '"0"', '"99"', 'W/"1"', '1', '"1", "2"', '"', '"é"'],
  'if-none-match': ['*', '"1"'],
  'content-type': [
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
  ],
  'content-length': ['0', '1', '999', '65537', '-1', 'x', '99999999999999999999'],
  'content-encoding': ['gzip', 'identity', 'x'],
  'transfer-encoding': ['chunked', 'gzip, chunked'],
  authorization: [
    '',
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Basic YTpi',
    'Bearer rc_',
    `Bearer rc_${'A'.repeat(43)}00000000`,
  ],
  cookie: [
    '',
    'rollcall',
    'rollcall=',
    'rollcall=x.y',
    `rollcall=${'A'.repeat(43)}.${'A'.repeat(43)}`,
    ';;;=',
    'a=b',
  ],
  'x-request-id': ['', 'x', 'x'.repeat(500), '"', 'a b'],
  'x-forwarded-for': ['192.0.2.1', 'x', '::1, 192.0.2.1'],
  'x-forwarded-proto': ['https', 'x'],
  'x-http-method-override': ['DELETE'],
  accept: ['text/html', 'x', '*/*;q=0'],
  expect: ['100-continue'],
  host: ['evil.example', 'evil.example:80'],
  origin: ['null', 'https://evil.example', 'x'],
  'sec-fetch-site': ['cross-site', 'same-origin', 'none', 'x'],
  range: ['bytes=0-1', 'x'],
  'user-agent': ['', 'x'.repeat(2000), '\u0085'],
};

export const oddHeader = fc
  .constantFrom(...Object.entries(HEADERS))
  .chain(([name, values]) => fc.constantFrom(...values.map((value) => ({ [name]: value }))));

export const oddQuery = fc.tuple(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('limit', 'after', 'q', 'group', 'active', 'from', 'event') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', 'hack', '__proto__', 'constructor', 'limit[]', '%00', '%zz'),
    },
  ),
  oddParts,
);

const HUGE = JSON.stringify({ name: 'x'.repeat(70_000) });

export const oddBytes = fc.oneof(
  fc.constantFrom('', '{', 'null', '[]', '"x"', '{"a":1,}', '{"__proto__":{"a":1}}', 'a=b', '\u0000', HUGE),
  fc.constantFrom('['.repeat(10_000), `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 3 }),
);
