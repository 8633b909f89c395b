/** The operator's command line: looks after the database and its users without the service's API. What it runs is in manage/. */
import { keepCompiledCode } from './config/compile-cache.ts';

keepCompiledCode();
const { manage } = await import('./manage/program.ts');
await manage();
