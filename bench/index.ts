/** npm run bench: how fast is it, beside what. Everything in one run on one machine, with tables or JSON as the result. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from 'commander';
import { compare } from './compare.ts';
import { fill } from './database.ts';
import { flood } from './flood.ts';
import { comparisonTable, floodTable, scaleTable, startTable } from './report.ts';
import { scale } from './scale.ts';
import { start } from './start.ts';

interface Options {
  seconds: string;
  users: string;
  rounds: string;
  database?: string;
  json: boolean;
}

/** Runs the work with names for new databases: files that are removed at its end, unless an empty one is named. */
async function withDatabases<Result>(
  named: string | undefined,
  work: (makeUrl: (number: number) => string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  try {
    return await work((number) => named ?? `sqlite:${join(folder, `${number}.db`)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function show<Result>(result: Result, { json }: Options, table: (result: Result) => string): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  process.stdout.write(
    json ? `${JSON.stringify({ machine, result })}\n` : `${machine}\n\n${table(result)}\n`,
  );
}

function withOptions(command: typeof program): typeof program {
  return command
    .option('--seconds <number>', 'how long each measurement is', '3')
    .option('--database <url>', 'an empty MySQL database, in place of new SQLite files')
    .option('--json', 'print JSON instead of a table', false);
}

withOptions(program)
  .name('npm run bench --')
  .description('compare what a request costs with the least that it could cost')
  .option('--rounds <number>', 'how often each contender has its turn', '5')
  .option('--users <number>', 'how many users there are', '1000')
  .action((options: Options) =>
    withDatabases(options.database, async (makeUrl) => {
      const filled = await fill(makeUrl(0), Number(options.users));
      const turns = { rounds: Number(options.rounds), seconds: Number(options.seconds) };
      show(await compare(filled, turns), options, comparisonTable);
    }),
  );

withOptions(program.command('scale'))
  .description('the same requests among more and more users; with --database, among so many only')
  .option('--users <numbers>', 'how many, separated by commas', '1000,10000,100000,1000000')
  .action((_own: Options, command: typeof program) => {
    const options: Options = command.optsWithGlobals();
    return withDatabases(options.database, async (makeUrl) => {
      const sizes = options.users.split(',').map(Number);
      show(await scale(sizes, makeUrl, Number(options.seconds)), options, scaleTable);
    });
  });

withOptions(program.command('flood'))
  .description('signed-in reads while ten times as many sign in as can')
  .action((_own: Options, command: typeof program) => {
    const options: Options = command.optsWithGlobals();
    return withDatabases(options.database, async (makeUrl) => {
      show(await flood(await fill(makeUrl(0), 1000), Number(options.seconds)), options, floodTable);
    });
  });

withOptions(program.command('start'))
  .description('from the command to the first answer')
  .action((_own: Options, command: typeof program) => {
    const options: Options = command.optsWithGlobals();
    return withDatabases(options.database, async (makeUrl) =>
      show(await start(makeUrl(0)), options, startTable),
    );
  });

await program.parseAsync();
