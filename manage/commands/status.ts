/** manage status: the running service, as its primary tells, and the database, as it is. */
import type { Command } from 'commander';
import { type ReloadReply, StatusReply } from '../../config/control.ts';
import { describeDatabase } from '../../config/database-url.ts';
import type { Engine } from '../../db/engines/engine.ts';
import { inspect } from '../../db/migrate/migrator.ts';
import { sessionCount } from '../../db/queries/session-count.ts';
import { commandSettings, withEngine } from '../context.ts';
import { errorText } from '../errors.ts';
import { askService } from '../service.ts';
import { print } from '../terminal.ts';

export default function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('tell the workers and the last reload of the running service, and the state of its database')
    .option('--json', 'one JSON object', false)
    .action(showStatus);
}

interface DatabaseStatus {
  url: string;
  /** The newest migration that is applied, if any. */
  newest?: string | undefined;
  pending?: string[];
  /** How many migrations of the database the code does not know. */
  unknown?: number;
  /** How many sessions have not ended. Unknown unless the schema is that of the code. */
  sessions?: number;
  problem?: string;
}

async function showStatus({ json }: { json: boolean }): Promise<void> {
  const url = describeDatabase(commandSettings().DATABASE_URL);
  const problems: string[] = [];
  const note = (error: unknown) => {
    problems.push(errorText(error));
    return undefined;
  };
  const service = await askService('status', StatusReply).catch(note);
  const database: DatabaseStatus = { url, ...(await withEngine(readDatabase).catch(note)) };
  if (json) print(JSON.stringify({ service, database, problems }));
  else
    for (const line of [...(service ? serviceLines(service) : []), ...databaseLines(database)]) print(line);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

async function readDatabase(engine: Engine): Promise<Omit<DatabaseStatus, 'url'>> {
  const { applied, pending, unknown } = await inspect(engine);
  const isCurrent = pending.length === 0 && unknown === 0;
  return {
    newest: applied.at(-1)?.name,
    pending: pending.map(({ name }) => name),
    unknown,
    ...(isCurrent ? { sessions: await sessionCount(engine)(Date.now()) } : {}),
  };
}

function serviceLines({ version, since, url, workers, restarts, lastReload }: StatusReply): string[] {
  return [
    `Rollcall ${version} at ${url}, since ${since}`,
    ...workers.map(
      (worker) =>
        `worker ${worker.pid}  ${worker.state}  since ${worker.since}  generation ${worker.generation}  ${worker.version}`,
    ),
    `workers restarted: ${restarts}`,
    `last reload: ${lastReload ? reloadLine(lastReload) : 'none'}`,
  ];
}

function reloadLine({ at, replaced, needRestart, failure }: ReloadReply): string {
  const outcome = failure === undefined ? 'succeeded' : `failed (${failure})`;
  const rest = needRestart.length > 0 ? `, a restart is needed for ${needRestart.join(', ')}` : '';
  return `${at}, ${outcome}, workers replaced: ${replaced}${rest}`;
}

function databaseLines({ url, newest, pending, unknown, sessions }: DatabaseStatus): string[] {
  if (!pending) return [`database: ${url}, not readable`];
  return [
    `database: ${url}`,
    `newest migration: ${newest ?? 'none'}`,
    ...pending.map((name) => `pending migration: ${name}`),
    ...(unknown ? [`migrations that this version does not know: ${unknown}`] : []),
    ...(sessions === undefined ? [] : [`living sessions: ${sessions}`]),
  ];
}
