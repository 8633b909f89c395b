/** The service's process. It runs cluster/start.ts. */
import './compile-cache.ts';

// A reload that is asked for before the settings are read is none. Without a listener, the signal would end the process.
process.on('SIGHUP', () => {});
// The report of a start is lost where it can't be printed, as on a full disk. The service starts all the same.
process.stdout.on('error', () => {});

const { start } = await import('./cluster/start.ts');
await start();
