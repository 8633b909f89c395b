/** Looks at the files: who can read them, whom they belong to, and how much room there is. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { controlPath } from '../../config/control.ts';
import { sqliteFile } from '../../config/database-url.ts';
import type { Settings } from '../../config/load.ts';
import { type Finding, fault, ok, warning } from './finding.ts';
import { secretFiles } from './settings.ts';

const MEGABYTE = 2 ** 20;

/** SQLite then has too little room for what is written between two looks of the operator. */
const LEAST_FREE = 100 * MEGABYTE;

export function checkFiles(settings: Settings): Finding[] {
  const file = sqliteFile(settings.DATABASE_URL);
  const database = file ? ['', '-wal', '-shm'].map((suffix) => `${file}${suffix}`) : [];
  const files = [
    ...new Set([...database, ...secretFiles(settings), controlPath(settings, settings.PORT)]),
  ].filter((path) => existsSync(path));
  const findings = [
    ...files.flatMap(checkMode),
    ...checkOwners(
      file,
      database.filter((path) => existsSync(path)),
    ),
  ];
  if (findings.length === 0)
    findings.push(ok('files', 'only their owner can read those that hold secrets or data'));
  return [...findings, ...(file && existsSync(file) ? [checkDisk(file)] : [])];
}

function checkMode(path: string): Finding[] {
  // Windows has other rights than these.
  const mode = process.platform === 'win32' ? 0o600 : statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return [];
  const [level, whose] = mode & 0o007 ? [fault, 'every user'] : [warning, 'its group'];
  const text = `${path} is open to ${whose} of this machine (mode 0${mode.toString(8)}). Run "chmod 600" on it.`;
  return [level('files', text)];
}

/** A command that root has run may leave files beside the database that the service can't open. */
function checkOwners(file: string | undefined, database: string[]): Finding[] {
  if (!file || !existsSync(file)) return [];
  const owner = statSync(file).uid;
  const foreign = database.filter((path) => statSync(path).uid !== owner);
  const locked = [dirname(file), ...database].filter((path) => !isWritable(path));
  return [
    ...foreign.map((path) => `${path} belongs to another user than the database. Run "chown" on it.`),
    ...locked.map(
      (path) => `this user can't write to ${path}. Run the service and the commands as its owner.`,
    ),
  ].map((text) => fault('files', text));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function checkDisk(file: string): Finding {
  const { bavail, bsize } = statfsSync(dirname(file));
  const [free, size] = [bavail * bsize, statSync(file).size];
  const text = `${inMegabytes(free)} MB are free beside the database of ${inMegabytes(size)} MB`;
  if (free < LEAST_FREE) return fault('disk', `${text}. Make room: without it, nothing can be changed.`);
  // A restore needs that for its write-ahead log, a migration that rebuilds a table as well.
  if (free < 2 * size)
    return warning('disk', `${text}. A restore or a migration may need twice its size. Make room.`);
  return ok('disk', text);
}

const inMegabytes = (bytes: number) => Math.ceil(bytes / MEGABYTE);
