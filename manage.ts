/**
 * The operator's command line: looks after the database and its users without the service's API. What it runs is in
 * manage/, which is loaded after Node has been told to keep compiled code (see server.ts).
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, 'node_modules/.cache/compile'));
const { manage } = await import('./manage/program.ts');
await manage();
