/** The tables of the core, in the dialect of the column types. Those of other parts are in parts.ts. */
import { defineAttempts } from './attempts.ts';
import { defineAudit } from './audit.ts';
import { defineCodes } from './codes.ts';
import type { ColumnTypes } from './column-types.ts';
import { defineGroupPermissions, defineGroups, defineMemberships } from './groups.ts';
import { defineGuards } from './guards.ts';
import { defineKnownNetworks } from './known-networks.ts';
import { defineSessions } from './sessions.ts';
import { defineUsers } from './users.ts';

export function defineCore(t: ColumnTypes) {
  const users = defineUsers(t);
  const groups = defineGroups(t);
  return {
    users,
    groups,
    groupPermissions: defineGroupPermissions(t, groups),
    memberships: defineMemberships(t, groups, users),
    sessions: defineSessions(t, users),
    codes: defineCodes(t, users),
    attempts: defineAttempts(t),
    knownNetworks: defineKnownNetworks(t, users),
    audit: defineAudit(t),
    guards: defineGuards(t),
  };
}

/** What the tables of other parts may refer to. */
export type CoreTables = ReturnType<typeof defineCore>;
