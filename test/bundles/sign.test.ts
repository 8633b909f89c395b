/** Runs the tests of signing in and out in one process (see test/support/bundle.ts). */
import { runBundle } from '../support/bundle.ts';

runBundle('test/routes/sign/!(processes).test.ts');
