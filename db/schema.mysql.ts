/** The tables in MySQL's dialect. A new table adds its line here and in the other one. */
import { defineAttempts } from './schema/attempts.ts';
import { defineAudit } from './schema/audit.ts';
import { defineCodes } from './schema/codes.ts';
import { defineGroupPermissions, defineGroups, defineMemberships } from './schema/groups.ts';
import { defineSessions } from './schema/sessions.ts';
import { defineTokens } from './schema/tokens.ts';
import { defineUsers } from './schema/users.ts';
import { mysqlVocabulary as v } from './vocabulary.mysql.ts';

export const users = defineUsers(v);
export const groups = defineGroups(v);
export const groupPermissions = defineGroupPermissions(v, groups);
export const memberships = defineMemberships(v, groups, users);
export const sessions = defineSessions(v, users);
export const tokens = defineTokens(v, users);
export const codes = defineCodes(v, users);
export const attempts = defineAttempts(v);
export const audit = defineAudit(v);
