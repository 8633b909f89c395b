/** npm run fuzz: random requests, made from the description of the API. It ends with 1 when something was wrong. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { createApp } from '../app.ts';
import { onEngines } from '../bench/engines.ts';
import { table } from '../bench/figures.ts';
import { loadSettings } from '../config/load.ts';
import { makeSecret } from '../config/secret.ts';
import { FUZZ_SETTINGS, fuzz } from './support/fuzz/run.ts';
import { makeLog } from './support/log.ts';
import { quickHashing } from './support/service.ts';

interface Options {
  seed: number;
  requests: number;
  engine?: string;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

async function run({ seed, requests, engine: named }: Options): Promise<void> {
  const lines = await onEngines(named, async (engine) => {
    const databaseUrl = await engine.makeDatabase();
    const loaded = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: databaseUrl } });
    const { log, lines: logged } = makeLog('error');
    const settings = { ...loaded, ...FUZZ_SETTINGS, AUTO_MIGRATE: true, SECRET_KEY: [makeSecret()] };
    const app = await createApp({ settings, log, hashing: quickHashing });
    const { faults, statuses, succeeded, slowest } = await fuzz(app, { seed, requests, databaseUrl, logged });
    await app.close();
    for (const fault of faults) process.stdout.write(`${fault}\n\n${'-'.repeat(80)}\n`);
    if (faults.length > 0) process.exitCode = 1;
    const counts = [...statuses]
      .sort(([one], [other]) => one - other)
      .map(([status, count]) => `${count} × ${status}`);
    return [
      {
        engine: engine.name,
        seed: String(seed),
        '2xx, %': succeeded * 100,
        'slowest, ms': slowest,
        answers: counts.join(', '),
        faults: faults.length,
      },
    ];
  });
  process.stdout.write(`${table(lines)}\n`);
}

await new Command('npm run fuzz --')
  .description('send random requests, made from the description of the API, and look at every answer')
  .option(
    '--seed <number>',
    'the same requests for the same one; else a random one',
    wholeNumber,
    Date.now() % 1e9,
  )
  .option('--requests <number>', 'how many', wholeNumber, 2000)
  .addOption(new Option('--engine <name>', 'only this one').choices(['sqlite', 'mariadb']))
  .action(run)
  .parseAsync();
