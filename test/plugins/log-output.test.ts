/** Lines of the log wait where they can't be written. Here that is a pipe which is full; test/cluster/unwritable-log.test.ts has a whole service. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { LogOutput } from '../../plugins/log-output.ts';
import { makeFolder } from '../support/processes.ts';
import { until } from '../support/running.ts';

const skip = process.platform === 'win32' && 'Windows has no such pipes';

test('Lines that can not be written wait, and come whole and in order', { skip }, async (t) => {
  const path = join(makeFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  // Without a reader, opening a pipe for writing alone would wait.
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => closeSync(pipe));
  const output = new LogOutput(pipe);
  const lines = Array.from({ length: 5_000 }, (_, number) => `Line ${number} of many, with a wide é\n`);
  for (const line of lines) output.write(line);
  const chunks: Buffer[] = [];
  const read = () => {
    const chunk = Buffer.alloc(16_384);
    try {
      chunks.push(chunk.subarray(0, readSync(pipe, chunk)));
    } catch {
      // The pipe is empty.
    }
    return Buffer.concat(chunks).toString();
  };
  const whole = lines.join('');
  t.ok(whole.length > 2 ** 17, 'it is more than the pipe holds');
  const text = await until('all lines have come', () => {
    const text = read();
    return text.length >= whole.length ? text : undefined;
  });
  t.equal(text, whole);
});
