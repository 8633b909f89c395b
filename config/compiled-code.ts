/** Compiled code is kept from one start to the next: from the second on that saves a third of the time. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { PROJECT_ROOT } from './project.ts';

/** To be called before anything else is loaded: what has been loaded by then is not kept. */
export function keepCompiledCode(): void {
  // Inside the project: in a shared folder for temporary files others could put code of theirs there.
  const folder = join(PROJECT_ROOT, 'node_modules/.cache/compile');
  enableCompileCache(folder);
  // For workers and threads: each that had to load Node's TypeScript compiler would take 25 MB more.
  process.env.NODE_COMPILE_CACHE ??= folder;
}
