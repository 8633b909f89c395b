/** npm run bench: measures the service and prints tables. Compare figures within one run only. */
import { cpus } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare, type Turns } from './compare.ts';
import { type BenchEngine, onEngines } from './engines.ts';
import { type Line, table } from './figures.ts';
import { flood } from './flood.ts';
import { measureGalera } from './galera.ts';
import { moveBench } from './processors.ts';
import { scale } from './scale.ts';
import { start } from './start.ts';

interface Options extends Turns {
  engine?: string;
  users: number[];
}

// So that the measured servers end as well.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

const wholeNumbers = (text: string) => text.split(',').map(wholeNumber);

type Measure = (engine: BenchEngine, options: Options) => Promise<Line[]>;

function command(name: string, description: string, rounds: number, measure: Measure): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--engine <name>', 'only this one').choices(['sqlite', 'mariadb']))
    .option('--rounds <number>', 'how often each has its turn', wholeNumber, rounds)
    .action(async (options: Options) => {
      // A start has all CPUs to itself.
      if (measure !== start) moveBench();
      print(await onEngines(options.engine, (engine) => measure(engine, options)));
    });
}

function print(lines: Line[]): void {
  const processors = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  const today = new Date().toISOString().slice(0, 10);
  process.stdout.write(`${processors}, Node ${process.version}, ${today}\n\n${table(lines)}\n`);
}

const seconds = new Option('--seconds <number>', 'how long each turn is').argParser(wholeNumber).default(2);

const users = new Option('--users <numbers>', 'how many, separated by commas, the fewest first')
  .argParser(wholeNumbers)
  .default([1_000, 1_000_000]);

const comparing = command('compare', 'what a request costs, beside the least that it could cost', 7, compare);
const scaling = command('scale', 'the same requests among more and more users', 3, scale);
const flooding = command('flood', 'signed-in reads while ten times as many sign in as can', 9, flood);
const starting = command('start', 'from the command to the first answer', 5, start);
const galera = new Command('galera')
  .description('what reads on a cluster of three nodes cost since they wait for what is under way')
  .option('--rounds <number>', 'how often each has its turn', wholeNumber, 5)
  .action(async (options: { rounds: number }) => print(await measureGalera(options)));

await new Command('npm run bench --')
  .description('measure what the service costs')
  .addCommand(comparing.addOption(seconds), { isDefault: true })
  .addCommand(scaling.addOption(seconds).addOption(users))
  .addCommand(flooding.addOption(seconds))
  .addCommand(starting)
  .addCommand(galera)
  .parseAsync();
