/** Runs the same tests on every engine, each test file on a database of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Test, test } from 'tap';

export interface TestEngine {
  name: 'SQLite';
  /** @returns the DATABASE_URL of a new, empty database that is removed when the test ends. */
  makeDatabase(t: Test): Promise<string>;
}

const sqlite: TestEngine = {
  name: 'SQLite',
  async makeDatabase(t) {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    return `sqlite:${join(folder, 'rollcall.db')}`;
  },
};

/** Runs the tests once for each engine. */
export function onEachEngine(name: string, tests: (t: Test, engine: TestEngine) => Promise<void>): void {
  for (const engine of [sqlite]) {
    test(`${name}, on ${engine.name}`, (t) => tests(t, engine));
  }
}
