/** Runs the tests of routes in one process (see test/support/bundle.ts). */
import { runBundle } from '../support/bundle.ts';

runBundle('test/routes/!(flood).test.ts');
