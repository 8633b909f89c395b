/** Runs the tests of plugins in one process (see test/support/bundle.ts). */
import { runBundle } from '../support/bundle.ts';

runBundle('test/plugins/**/*.test.ts');
