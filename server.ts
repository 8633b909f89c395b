/**
 * The process that people start. What it runs is in cluster/start.ts, which is loaded after Node has been told to keep
 * compiled code: from the second start on that saves a third of the time.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Inside the project: in a shared folder for temporary files others could put code of theirs there.
const folder = join(import.meta.dirname, 'node_modules/.cache/compile');
enableCompileCache(folder);
// For workers and threads: each that had to load Node's TypeScript compiler would take 25 MB more.
process.env.NODE_COMPILE_CACHE ??= folder;
const { start } = await import('./cluster/start.ts');
await start();
