/** The service's process. It runs cluster/start.ts. */
import './compile-cache.ts';

// A reload that is asked for before the settings are read is none. Without a listener, the signal would end the process.
process.on('SIGHUP', () => {});

const { start } = await import('./cluster/start.ts');
await start();
