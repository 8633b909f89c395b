/** The process that people start. What it runs is in cluster/start.ts. */
import { keepCompiledCode } from './config/compile-cache.ts';

keepCompiledCode();
const { start } = await import('./cluster/start.ts');
await start();
