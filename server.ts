/** The service's process. It runs cluster/start.ts. */
import './compile-cache.ts';

const { start } = await import('./cluster/start.ts');
await start();
