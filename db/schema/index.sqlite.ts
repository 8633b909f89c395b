/** The tables in SQLite's dialect, which also gives them their types. Add each new table here and in index.mysql.ts. */
import { defineAttempts } from './attempts.ts';
import { defineAudit } from './audit.ts';
import { defineCodes } from './codes.ts';
import { sqliteColumnTypes as t } from './column-types.ts';
import { defineGroupPermissions, defineGroups, defineMemberships } from './groups.ts';
import { defineGuards } from './guards.ts';
import { defineSessions } from './sessions.ts';
import { defineTokens } from './tokens.ts';
import { defineUsers } from './users.ts';

export const users = defineUsers(t);
export const groups = defineGroups(t);
export const groupPermissions = defineGroupPermissions(t, groups);
export const memberships = defineMemberships(t, groups, users);
export const sessions = defineSessions(t, users);
export const tokens = defineTokens(t, users);
export const codes = defineCodes(t, users);
export const attempts = defineAttempts(t);
export const audit = defineAudit(t);
export const guards = defineGuards(t);
