/** The service's process. It runs cluster/start.ts. */
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
const { start } = await import('./cluster/start.ts');
await start();
