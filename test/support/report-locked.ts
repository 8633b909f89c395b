/** Loaded into a command before its code: creates a file in the folder LOCKED_FOLDER when SQLite's lock makes it wait. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onLocked } from './locked.ts';

const { LOCKED_FOLDER = '.' } = process.env;
onLocked(() => writeFileSync(join(LOCKED_FOLDER, `${process.pid}`), ''));
