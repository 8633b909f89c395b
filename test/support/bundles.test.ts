/** tap leaves out the files that a bundle runs, so none may be in no bundle, and none in two. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { leftOut, testFiles } from './bundle.ts';
import { PROJECT } from './processes.ts';

const LONG = 'test/long/**';

test('Each file that tap leaves out is in one bundle', async (t) => {
  const texts = testFiles('test/bundles/*').map((file) => readFileSync(join(PROJECT, file), 'utf8'));
  const bundled = texts.flatMap((text) =>
    [...text.matchAll(/'(test\/.*?)'/g)].map(([, pattern = '']) => pattern),
  );
  t.strictSame(
    [LONG, ...bundled].sort(),
    leftOut().sort(),
    '.taprc leaves out what bundles run, and nothing else',
  );
  for (const pattern of bundled) t.not(testFiles(pattern).length, 0, `${pattern} is the pattern of a file`);
  const files = bundled.flatMap((pattern) => testFiles(pattern));
  t.strictSame([...new Set(files)], files, 'no file is in two bundles');
});
