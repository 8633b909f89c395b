/** Stands for a running service at its control socket, for tests of commands that ask it. */
import { createServer } from 'node:net';
import type { Test } from 'tap';
import { controlPath, type StatusReply } from '../../config/control.ts';
import { loadSettings } from '../../config/load.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** Answers as the service of those settings would, until the test ends. @returns a function that stops it earlier. */
export async function answerAsService(
  t: Test,
  environment: Record<string, string>,
  version = packageJson.version,
): Promise<() => void> {
  const settings = loadSettings({ root: import.meta.dirname, environment });
  const since = new Date().toISOString();
  const worker = { pid: process.pid, since, state: 'ready', version, generation: 1 };
  const reply: StatusReply = { version, since, url: 'http://127.0.0.1:5000', workers: [worker], restarts: 0 };
  const server = createServer((socket) => socket.end(`${JSON.stringify(reply)}\n`));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(controlPath(settings, settings.PORT), resolve);
  t.teardown(() => server.close());
  await promise;
  return () => server.close();
}
