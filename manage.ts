/** The operator's command line. It runs manage/program.ts. */
import './compile-cache.ts';

const { manage } = await import('./manage/program.ts');
const { toDescriptor } = await import('./manage/descriptor.ts');
const { env: environment, stdin } = process;
const [stdout, stderr] = [toDescriptor(1), toDescriptor(2)];
process.exitCode = await manage(process.argv.slice(2), { environment, stdin, stdout, stderr });
