/** Where the project lies: relative paths in settings count from here, whatever folder a command is run in. */
import { dirname } from 'node:path';

export const PROJECT_ROOT = dirname(import.meta.dirname);
