/** manage audit: reads the audit trail. No command changes or removes an entry. */
import { type Command, Option } from 'commander';
import { Type } from 'typebox';
import type { Database } from '../../db/database.ts';
import { type AuditEvent, EVENTS } from '../../db/queries/audit.ts';
import { AuditQuery, auditJson } from '../../schemas/audit.ts';
import { toId } from '../../schemas/common.ts';
import { checkEach, readNumber } from '../checks.ts';
import { withDatabase } from '../context.ts';
import { auditRows, printEach, withJson } from '../lists.ts';
import { findUser } from '../operator.ts';
import { type Removal, removedIds } from '../removed.ts';
import { warnOfReaders } from '../secrets.ts';

const Time = AuditQuery.properties.from;
const Count = Type.Integer({ minimum: 1 });

interface AuditOptions {
  actor?: string;
  target?: string;
  event?: AuditEvent;
  from?: string;
  to?: string;
  limit: string;
  json: boolean;
}

export default function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('the audit trail');

  withJson(audit.command('list'))
    .description('list who did what to whom, the newest first')
    .option(
      '--actor <user>',
      'only what this user did: a name, an e-mail address or an id, of removed ones as well',
    )
    .option(
      '--target <who>',
      'only what was done to this: the name of a user or a group, removed ones included, or any id',
    )
    .addOption(new Option('--event <event>', 'only what is of this kind').choices(EVENTS))
    .option(
      '--from <time>',
      'only since then, such as 2026-01-31T12:00:00Z, 2026-01-31T13:00:00+01:00, or 2026-01-31 (in UTC)',
    )
    .option('--to <time>', 'only before then')
    .option('--limit <number>', 'not more than so many', '100')
    .action(async (options: AuditOptions) => {
      const { from, to, limit } = options;
      const atMost = readNumber(limit);
      checkEach(['time', Time, from], ['time', Time, to], ['limit', Count, atMost, limit]);
      await withDatabase((db) => list(db, options, atMost));
    });
}

async function list(db: Database, options: AuditOptions, atMost: number): Promise<void> {
  const filter = {
    actor: options.actor === undefined ? undefined : await actorId(db, options.actor),
    target: options.target === undefined ? undefined : await targetId(db, options.target),
    event: options.event,
  };
  const { from, to } = options;
  await printEach(auditRows(db, filter, { from, to, atMost }), options, auditJson, formatRow);
  warnOfReaders('names and addresses');
}

/** @returns the id of the user, who may be removed. @throws when there is and was none, or several removed ones had that name. */
async function actorId(db: Database, name: string): Promise<string> {
  const id = toId(name) ?? (await db.users.findCredentials(name))?.id;
  return id ?? onlyRemoved(db, name, 'user-deleted');
}

/** @throws when nothing has or had that name, or both a user and a group do. */
async function targetId(db: Database, name: string): Promise<string> {
  const id = toId(name);
  if (id) return id;
  const [group, user] = await Promise.all([db.groups.findByName(name), db.users.findCredentials(name)]);
  if (group && user)
    throw new Error(`A user (${user.id}) and a group (${group.id}) have the name ${name}. Give the id.`);
  return group?.id ?? user?.id ?? onlyRemoved(db, name, 'group-deleted', 'user-deleted');
}

async function onlyRemoved(db: Database, name: string, ...events: Removal[]): Promise<string> {
  const found = await Promise.all(events.map((event) => removedIds(db, event, name)));
  const [id, ...others] = found.flat();
  // There never was one, which this tells.
  if (!id) return (await findUser(db, name)).id;
  if (others.length === 0) return id;
  throw new Error(
    `Several that were removed had the name ${name}: ${[id, ...others].join(', ')}. Give the id.`,
  );
}

function formatRow({ at, event, actor, via, target, ...rest }: ReturnType<typeof auditJson>): string {
  const who = actor?.username ?? (rest.userAgent && via === 'manage' ? rest.userAgent : '-');
  const whom = target ? `${target.kind} ${target.name} (${target.id})` : '';
  const changes = Object.entries(rest.after ?? rest.before ?? {}).map(
    ([field, value]) => `${field}=${JSON.stringify(value)}`,
  );
  const from = rest.address ? `from ${rest.address}` : '';
  return [at, event, `by ${who} via ${via}`, whom, from, changes.join(' ')].filter(Boolean).join('  ');
}
