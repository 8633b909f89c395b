/** Runs the tests of the rules in one process (see test/support/bundle.ts). */
import { runBundle } from '../support/bundle.ts';

runBundle('test/accounts/!(priority).test.ts', 'test/accounts/passwords/*.test.ts');
