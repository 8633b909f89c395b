/**
 * Runs the tests of migrations in one process (see test/support/bundle.ts), but for those that mostly wait for processes: they run beside
 * it.
 */
import { runBundle } from '../support/bundle.ts';

runBundle('test/db/migrate/!(drizzle-kit|killed|needed-indexes|one-sided|renames|under-service).test.ts');
