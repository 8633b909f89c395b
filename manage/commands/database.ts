/** manage db: where the database's schema stands, moving it up and down, and copying the database. */
import { type Command, Option } from 'commander';
import type { Engine } from '../../db/engines/engine.ts';
import { acceptFiles, checkDatabase, checkFiles } from '../../db/migrate/check.ts';
import { unfinishedMessage } from '../../db/migrate/errors.ts';
import { type Direction, tablesOf } from '../../db/migrate/migrations.ts';
import { downgrade, inspect, upgrade } from '../../db/migrate/migrator.ts';
import { findMissingTables } from '../../db/migrate/other-tables.ts';
import type { MoveOptions } from '../../db/migrate/schema-state.ts';
import { assertTarget, BASE } from '../../db/migrate/targets.ts';
import { addBackupCommands } from '../backup.ts';
import { databaseExists, withEngine } from '../context.ts';
import { revise } from '../revision.ts';
import { print } from '../terminal.ts';

const UNFINISHED = { begun: 'unfinished', failed: 'unfinished', unchecked: 'references unchecked' };

interface MoveFlags {
  yes?: boolean;
  besideOtherTables?: boolean;
  unfinished?: 'redo' | 'skip' | 'give-up';
}

export default function addDatabaseCommands(program: Command): void {
  const db = program.command('db').description("the database's schema");

  withMoveFlags(db.command('upgrade [target]'))
    .description(
      'apply the pending migrations: all, those up to the target, or the next N (as +N); makes the database if there is none',
    )
    .option('--beside-other-tables', 'make the tables in a database that has tables of another program')
    .action(async (target: string | undefined, flags: MoveFlags) => {
      if (target !== undefined && !databaseExists()) assertTarget('sqlite', target);
      await move(flags, (engine, options) => upgrade(engine, target, options), { create: true });
    });

  withMoveFlags(db.command('downgrade <target>'))
    .description(`take migrations back: those after the target, the last N (as -N), or all (${BASE})`)
    // So that -1 is a target and not an option.
    .allowUnknownOption()
    .action((target: string, flags: MoveFlags) =>
      move(flags, (engine, options) => downgrade(engine, target, options)),
    );

  db.command('current')
    .description('tell the newest migration that is applied, and what is pending')
    .action(() => withEngine(printCurrent));

  db.command('history')
    .description('list all migrations, oldest first, with what is applied')
    .action(() => withEngine(printHistory));

  db.command('revision <name>')
    .description('make a migration of what changed in the schema: both dialects, up and down')
    .option('--custom', 'make empty files instead, to be written by hand', false)
    .action((name: string, { custom }: { custom: boolean }) => revise(name, custom));

  db.command('check')
    .description('look for whatever is wrong with the migrations, and with the database if there is one')
    .option('--accept', 'first note the files of the newest migration as they are now, after an edit by hand')
    .action(checkMigrations);

  addBackupCommands(db);
}

async function printCurrent(engine: Engine): Promise<void> {
  const state = await inspect(engine);
  const { applied, pending, unknown, unfinished, migrating } = state;
  print(applied.at(-1)?.name ?? 'no migration is applied');
  if (migrating) print('another process is migrating at this moment');
  else if (unfinished) print(unfinishedMessage(state, unfinished));
  for (const { name } of pending) print(`pending: ${name}`);
  if (unknown > 0) print(`unknown to this version of the code: ${unknown}`);
}

async function printHistory(engine: Engine): Promise<void> {
  const { migrations, applied, unfinished, migrating } = await inspect(engine);
  for (const migration of migrations) {
    const state = applied.includes(migration) ? 'applied' : 'pending';
    let stopped = '';
    if (unfinished?.name === migration.name)
      stopped = migrating ? ', another process is at work on it' : `, ${UNFINISHED[unfinished.state]}`;
    print(`${new Date(migration.when).toISOString()}  ${migration.name}  ${state}${stopped}`);
  }
}

async function checkMigrations({ accept }: { accept?: boolean }): Promise<void> {
  if (accept) acceptFiles();
  const files = await checkFiles();
  const faults = [...files.faults, ...(databaseExists() ? await withEngine(inspectAndCheck) : [])];
  for (const each of [...files.notes, ...faults]) print(each);
  if (faults.length > 0)
    throw new Error(`The migrations have ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}.`);
  print('The migrations are sound.');
}

async function inspectAndCheck(engine: Engine): Promise<string[]> {
  const state = await inspect(engine);
  const faults = checkDatabase(state);
  if (state.migrating) return faults;
  const isCurrent = state.pending.length === 0 && state.unknown === 0 && !state.unfinished;
  const missing = isCurrent ? await findMissingTables(engine) : [];
  if (missing.length > 0) return [...faults, ...missing];
  return [...faults, ...(await engine.brokenReferences(engine.query, tablesOf(state.migrations)))];
}

function withMoveFlags(command: Command): Command {
  return command
    .option('--yes', 'take steps that lose data, too')
    .addOption(
      new Option(
        '--unfinished <how>',
        'where an earlier run stopped: run that statement again, go on after it, or forget that run and do nothing else',
      ).choices(['redo', 'skip', 'give-up']),
    );
}

async function move(
  flags: MoveFlags,
  run: (engine: Engine, options: MoveOptions) => Promise<void>,
  opening?: { create: boolean },
): Promise<void> {
  let steps = 0;
  const onStep = (direction: Direction, name: string) => {
    steps++;
    print(direction === 'up' ? `applied ${name}` : `took back ${name}`);
  };
  const options = {
    acceptLoss: flags.yes === true,
    besideOtherTables: flags.besideOtherTables === true,
    onStep,
    ...(flags.unfinished ? { unfinished: flags.unfinished } : {}),
  };
  await withEngine((engine) => run(engine, options), opening);
  if (flags.unfinished === 'give-up') print('The unfinished migration is given up.');
  else if (steps === 0) print('Nothing to do: the database is there already, or beyond it.');
}
