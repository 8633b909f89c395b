/** manage audit: reads the audit trail. No command changes or removes an entry. */
import { type Command, Option } from 'commander';
import { Type } from 'typebox';
import type { Database } from '../db/database.ts';
import { type AuditEvent, EVENTS } from '../db/queries/audit.ts';
import { AuditQuery, auditJson, idRange, isTime } from '../schemas/audit.ts';
import { isId } from '../schemas/common.ts';
import { check, withDatabase } from './context.ts';
import { everyRow, printEach, withJson } from './lists.ts';
import { findUser } from './operator.ts';

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

export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('the audit trail');

  withJson(audit.command('list'))
    .description('list who did what to whom, the newest first')
    .option('--actor <user>', 'only what this user did: a name, an e-mail address or an id')
    .option('--target <who>', 'only what was done to this: the name of a user or a group, or any id')
    .addOption(new Option('--event <event>', 'only what is of this kind').choices(EVENTS))
    .option('--from <moment>', 'only since then, in UTC, such as 2026-01-31T12:00:00Z')
    .option('--to <moment>', 'only before then')
    .option('--limit <number>', 'not more than so many', '100')
    .action(async (options: AuditOptions) => {
      checkTime(options.from);
      checkTime(options.to);
      check('limit', Count, Number(options.limit), options.limit);
      await withDatabase((db) => list(db, options));
    });
}

function checkTime(text: string | undefined): void {
  if (text === undefined) return;
  check('moment', AuditQuery.properties.from, text);
  if (!isTime(text)) throw new Error(`There is no such moment as ${text}.`);
}

async function list(db: Database, options: AuditOptions): Promise<void> {
  const filter = {
    actor: options.actor === undefined ? undefined : await actorId(db, options.actor),
    target: options.target === undefined ? undefined : await targetId(db, options.target),
    event: options.event,
  };
  const { from, before } = idRange(options.from, options.to);
  await printEach(
    everyRow((after, limit) => db.audit.page(filter, from, after || before, limit), Number(options.limit)),
    options,
    auditJson,
    formatRow,
  );
}

// A removed user or group can only be named by its id.
async function actorId(db: Database, name: string): Promise<string> {
  return isId(name) ? name : (await findUser(db, name)).id;
}

/** @throws when nothing has that name, or both a user and a group do. */
async function targetId(db: Database, name: string): Promise<string> {
  if (isId(name)) return name;
  const group = await db.groups.findByName(name);
  if (!group) return actorId(db, name);
  const user = await db.users.findCredentials(name);
  if (!user) return group.id;
  throw new Error(`A user (${user.id}) and a group (${group.id}) have the name ${name}. Give the id.`);
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
