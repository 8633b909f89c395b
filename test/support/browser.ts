/** Finds and starts an installed Chromium, without a window, for tests of pages. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Test } from 'tap';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const USUAL_PLACES = ['/usr/bin', '/usr/local/bin', '/opt/google/chrome', '/snap/bin'];

/** @returns the path of an installed browser, or undefined. */
export function findBrowser(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...USUAL_PLACES];
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** Flags that keep the browser from contacting its vendor. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @param flags more flags for the browser. @returns the browser, closed when the test ends. */
export async function openBrowser(t: Test, executablePath: string, flags: string[] = []): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'rollcall-browser-'));
  const browser = await chromium.launch({
    executablePath,
    args: [...QUIET, ...flags],
    env: { ...process.env, HOME: profile },
  });
  t.teardown(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return browser;
}
