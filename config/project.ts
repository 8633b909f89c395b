/**
 * The project's folder. It belongs to the settings, since their relative paths start from it (the `root` of loadSettings), in
 * whatever folder a command runs.
 */
import { dirname } from 'node:path';

export const PROJECT_ROOT = dirname(import.meta.dirname);
