/** Node keeps compiled code from one start to the next. From the second start on, that saves a third of the time. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { PROJECT_ROOT } from './project.ts';

/** Must be called before anything else is loaded: code that is loaded by then is not kept. */
export function keepCompiledCode(): void {
  // Inside the project: in a shared temporary folder, other users could plant their code.
  const folder = join(PROJECT_ROOT, 'node_modules/.cache/compile');
  enableCompileCache(folder);
  // For workers and threads: otherwise each of them loads Node's TypeScript compiler.
  process.env.NODE_COMPILE_CACHE ??= folder;
}
