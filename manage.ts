/** The operator's command line. It runs manage/program.ts. */
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
const { manage } = await import('./manage/program.ts');
// A reader such as head closes the pipe before the end of a list.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
const { env: environment, stdin, stdout, stderr } = process;
process.exitCode = await manage(process.argv.slice(2), { environment, stdin, stdout, stderr });
