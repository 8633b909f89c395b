/** manage db: where the database's schema stands, and bringing it up to date. */
import type { Command } from 'commander';
import { inspect, upgrade } from '../db/migrator.ts';
import { print, withEngine } from './context.ts';

export function addDatabaseCommands(program: Command): void {
  const db = program.command('db').description("the database's schema");

  db.command('upgrade')
    .description('apply the migrations that are pending; makes the database if there is none')
    .action(() =>
      withEngine(async (engine) => {
        const applied = await upgrade(engine);
        for (const { name } of applied) print(`applied ${name}`);
        if (applied.length === 0) print('The database is up to date.');
      }),
    );

  db.command('current')
    .description('tell the newest migration that is applied, and what is pending')
    .action(() =>
      withEngine(async (engine) => {
        const { applied, pending, unknown } = await inspect(engine);
        print(applied.at(-1)?.name ?? 'no migration is applied');
        for (const { name } of pending) print(`pending: ${name}`);
        if (unknown > 0) print(`unknown to this version of the code: ${unknown}`);
      }),
    );
}
