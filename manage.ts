/** The operator's command line. It runs manage/program.ts. */
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
const { manage } = await import('./manage/program.ts');
await manage();
