/** An installation for production in tests: links to the packages that `npm ci --omit=dev` installs. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT } from './processes.ts';

interface LockFile {
  packages: Record<string, { dev?: boolean }>;
}

/** Links these packages, and no others, into a folder that has none. */
export function linkProductionPackages(folder: string): void {
  const { packages }: LockFile = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8'));
  for (const [path, { dev }] of Object.entries(packages)) {
    // Those of other platforms are not installed. Packages inside of packages come with these.
    const isOurs = /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && existsSync(join(PROJECT, path));
    if (!isOurs) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(PROJECT, path), join(folder, path));
  }
}
