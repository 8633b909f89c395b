/** npm run bench: how fast is it, beside what. Everything in one run on one machine, with a table or JSON as the result. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from 'commander';
import { compare } from './compare.ts';
import { fill } from './database.ts';
import { table } from './report.ts';

interface Options {
  rounds: string;
  seconds: string;
  users: string;
  database?: string;
  json: boolean;
}

/** Runs the work on a database of its own: a new file, unless an empty database is named. */
async function onDatabase(url: string | undefined, work: (url: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  try {
    await work(url ?? `sqlite:${join(folder, 'rollcall.db')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

program
  .name('npm run bench --')
  .option('--rounds <number>', 'how often each contender has its turn', '5')
  .option('--seconds <number>', 'how long each turn is', '3')
  .option('--users <number>', 'how many users there are', '1000')
  .option('--database <url>', 'an empty database of MySQL, in place of a new SQLite file')
  .option('--json', 'print JSON instead of a table', false)
  .action(async ({ rounds, seconds, users, database, json }: Options) => {
    await onDatabase(database, async (url) => {
      const filled = await fill(url, Number(users));
      const measured = await compare(filled, { rounds: Number(rounds), seconds: Number(seconds) });
      const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${url.split(':')[0]}, ${users} users, ${rounds} rounds of ${seconds} s`;
      process.stdout.write(
        json ? `${JSON.stringify({ machine, measured })}\n` : `${machine}\n\n${table(measured)}\n`,
      );
    });
  });

await program.parseAsync();
