/**
 * Caches compiled code on disk, which makes every start but the first faster; measured in docs/performance.md. It is imported before
 * other modules are loaded, because Node does not cache those that are loaded already.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Inside the project, because other users could plant code in a shared temporary folder.
const folder = join(import.meta.dirname, 'node_modules/.cache/compile');
enableCompileCache(folder);
// Workers and threads inherit this. Without it, each of them loads Node's TypeScript compiler.
process.env.NODE_COMPILE_CACHE ??= folder;
