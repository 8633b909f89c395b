/**
 * Runs after the tests of `npm run coverage`. Many tests of migrations run a copy of the project (see processes.ts): what they ran
 * there counts as run here, in files that the copy has as they are.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from './processes.ts';

/** A file that Node writes when a process or thread ends: what it ran of each file, by functions, the first of which is the whole. */
interface Counted {
  result: { url: string; functions: { ranges: { endOffset: number }[] }[] }[];
}

/** What Node puts between the text of a file without its types and the file's URL, at the end of what it runs. */
const BEFORE_URL = '\n\n//# sourceURL=';

const COPY = /^file:.*\/rollcall-test-\w+\/project\//;

const lengths = new Map<string, number>();

/** @returns the length of the file, in UTF-16 units; 0 when it is not there. */
function lengthOf(file: string): number {
  const length = lengths.get(file) ?? (existsSync(file) ? readFileSync(file, 'utf8').length : 0);
  lengths.set(file, length);
  return length;
}

const folder = process.env.NODE_V8_COVERAGE ?? '';
for (const name of readdirSync(folder)) {
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  if (!text.includes('/rollcall-test-')) continue;
  const counted: Counted = JSON.parse(text);
  for (const script of counted.result) {
    if (!COPY.test(script.url)) continue;
    const file = join(PROJECT, script.url.replace(COPY, ''));
    const length = (script.functions[0]?.ranges[0]?.endOffset ?? 0) - BEFORE_URL.length - script.url.length;
    if (length === lengthOf(file)) script.url = pathToFileURL(file).href;
  }
  writeFileSync(path, JSON.stringify(counted));
}
