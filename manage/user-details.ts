/** What parts that can be left out, such as API tokens, add to `manage user show`. Their files in commands/ register it. */
import type { Database } from '../db/database.ts';

interface UserDetail {
  /** For --json. */
  json: unknown;
  /** For people. */
  lines: string[];
}

const details = new Map<string, (db: Database, userId: string) => Promise<UserDetail>>();

/** @param name the name of the field in the JSON. */
export function registerUserDetail(
  name: string,
  read: (db: Database, userId: string) => Promise<UserDetail>,
): void {
  details.set(name, read);
}

/** @returns what all parts tell about the user. */
export async function readUserDetails(db: Database, userId: string) {
  const json: Record<string, unknown> = {};
  const lines: string[] = [];
  for (const [name, read] of details) {
    const detail = await read(db, userId);
    json[name] = detail.json;
    lines.push(...detail.lines);
  }
  return { json, lines };
}
