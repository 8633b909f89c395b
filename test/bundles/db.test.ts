/** Runs the tests of the queries and of what is below and beside them in one process (see test/support/bundle.ts). */
import { runBundle } from '../support/bundle.ts';

runBundle(
  'test/db/*.test.ts',
  'test/db/engines/{*,sqlite/*}.test.ts',
  'test/{config,schemas,support}/*.test.ts',
  'test/{floors,log,security}.test.ts',
);
