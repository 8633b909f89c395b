/** The project's folder: relative paths in settings start from it, in whatever folder a command runs. */
import { dirname } from 'node:path';

export const PROJECT_ROOT = dirname(import.meta.dirname);
