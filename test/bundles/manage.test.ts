/** Runs the tests of the commands in one process (see test/support/bundle.ts), but for the one that starts a process for each. */
import { runBundle } from '../support/bundle.ts';

runBundle('test/manage/!(closed-pipe).test.ts');
