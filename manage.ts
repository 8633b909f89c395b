/** The operator's command line. It runs manage/program.ts. */
import './compile-cache.ts';

const { manage } = await import('./manage/program.ts');
const { env: environment, stdin, stdout, stderr } = process;
// A reader such as head may close the pipe. The command goes on: a migration must not stop halfway because nobody reads of it.
for (const stream of [stdout, stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
process.exitCode = await manage(process.argv.slice(2), { environment, stdin, stdout, stderr });
