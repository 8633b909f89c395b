/** npm run bench: measures the service and prints tables or JSON. Compare figures within one run only. */
import { cpus } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare } from './compare.ts';
import { type BenchEngine, onEngines } from './engines.ts';
import { flood } from './flood.ts';
import { latency } from './latency.ts';
import { GENERATOR } from './load.ts';
import { comparisonTable, floodTable, latencyTable, scaleTable, startTable } from './report.ts';
import { scale } from './scale.ts';
import { start } from './start.ts';

interface Options {
  engine?: string;
  rounds: number;
  seconds: number;
  json: boolean;
}

async function run<Result>(
  { engine, json }: Options,
  measure: (engine: BenchEngine) => Promise<Result[]>,
  table: (results: Result[]) => string,
): Promise<void> {
  const results = (await onEngines(engine, measure)).flat();
  const machine = [
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    ...[`Node ${process.version}`, GENERATOR, new Date().toISOString().slice(0, 10)],
  ].join(', ');
  const shown = json ? JSON.stringify({ machine, results }) : `${machine}\n\n${table(results)}`;
  process.stdout.write(`${shown}\n`);
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

function command(name: string, description: string, rounds: number): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--engine <name>', 'only this one').choices(['sqlite', 'mariadb']))
    .option('--rounds <number>', 'how often each has its turn', wholeNumber, rounds)
    .option('--seconds <number>', 'how long each turn is', wholeNumber, 2)
    .option('--json', 'print JSON instead of a table', false);
}

const program = new Command('npm run bench --').description('measure what the service costs');

program.addCommand(
  command('compare', 'what a request costs, beside the least that it could cost', 7)
    .option('--users <number>', 'how many users there are', wholeNumber, 1000)
    .action((options: Options & { users: number }) =>
      run(options, (engine) => compare(engine, options.users, options), comparisonTable),
    ),
  { isDefault: true },
);

program.addCommand(
  command('scale', 'the same requests among more and more users', 3)
    .option(
      '--users <numbers>',
      'how many, separated by commas',
      (text: string) =>
        text
          .split(',')
          .map(wholeNumber)
          .sort((a, b) => a - b),
      [1_000, 10_000, 100_000, 1_000_000],
    )
    .action((options: Options & { users: number[] }) =>
      run(options, (engine) => scale(engine, options.users, options), scaleTable),
    ),
);

program.addCommand(
  command('flood', 'signed-in reads while ten times as many sign in as can', 9).action((options: Options) =>
    run(options, async (engine) => [await flood(engine, options)], floodTable),
  ),
);

program.addCommand(
  command('start', 'from the command to the first answer', 5).action((options: Options) =>
    run(options, (engine) => start(engine, options.rounds), startTable),
  ),
);

program.addCommand(
  command('latency', 'how long one client waits: with many workers, with the database far off', 3).action(
    (options: Options) => run(options, (engine) => latency(engine, options), latencyTable),
  ),
);

await program.parseAsync();
