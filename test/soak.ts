/**
 * npm run soak: a service under load for minutes, with reloads, kills, stops and a database that fails. It ends with 1 when a write is lost or
 * there twice, when an answer is wrong, or when memory or descriptors grow.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { table } from '../bench/figures.ts';
import { makeSecret } from '../config/secret.ts';
import { makeDatabaseWith } from './support/api.ts';
import { Load } from './support/load/index.ts';
import { freePort } from './support/mysql-server.ts';
import { launchServer, manage, type Server } from './support/processes.ts';
import { type SoakEngine, soakEngines } from './support/soak/engines.ts';
import { Samples } from './support/soak/samples.ts';
import { killWorker } from './support/under-load.ts';

/** How many requests are answered between two upheavals, at least. */
const ANSWERS = 200;
/** Nothing else may happen to a request. Sign-ins whose worker is killed count as attempts, which may end with 429. */
const MAY_FAIL = ['ECONNRESET', 'ECONNREFUSED', '503 with Retry-After', '429 with Retry-After'];

interface Options {
  minutes: number;
  engine?: string;
}

function positive(text: string): number {
  if (!/^\d{1,4}(\.\d)?$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('It must be a number of minutes.');
  return Number(text);
}

const print = (line: string) => process.stdout.write(`${new Date().toISOString()} ${line}\n`);

class Soak {
  readonly #engine: SoakEngine;
  readonly #environment: Record<string, string>;
  #server: Server;
  readonly #samples = new Samples();
  readonly #count: Record<string, number> = {};

  private constructor(engine: SoakEngine, environment: Record<string, string>, server: Server) {
    this.#engine = engine;
    this.#environment = environment;
    this.#server = server;
  }

  static async run(engine: SoakEngine, minutes: number): Promise<string[]> {
    await makeDatabaseWith(engine.url, 'ann');
    const PORT = String(await freePort());
    const environment = {
      DATABASE_URL: engine.url,
      SECRET_KEY: makeSecret(),
      PORT,
      WORKERS: '2',
      LOG_LEVEL: 'warn',
    };
    const soak = new Soak(engine, environment, await launchServer({ environment }).listens());
    return soak.#run(minutes * 60_000);
  }

  /** The first half of the time has all upheavals. In the second half, one primary lives, whose memory and descriptors are sampled. */
  async #run(time: number): Promise<string[]> {
    const load = await Load.start({ urls: [this.#server.url], databaseUrl: this.#engine.url });
    const begin = performance.now();
    const ofWorkers = {
      'a reload': () => this.#reload(),
      'a worker is killed': () => killWorker(this.#environment),
    };
    const ofPrimary = {
      'the service is stopped': () => this.#restart('SIGTERM'),
      'the primary is killed': () => this.#restart('SIGKILL'),
    };
    const lasting = { ...ofWorkers, ...this.#engine.upheavals };
    while (performance.now() - begin < time) {
      await load.answered(ANSWERS);
      const isSecondHalf = performance.now() - begin > time / 2;
      if (isSecondHalf) this.#samples.take(this.#server.pid);
      await this.#upheave(isSecondHalf ? lasting : { ...lasting, ...ofPrimary });
    }
    await load.answered(ANSWERS);
    const lost = await load.stop();
    const { code } = await this.#server.stop();
    print(
      `${load.successes} answers, ${load.writes} writes, the longest time without an answer ${Math.round(load.longestGap)} ms`,
    );
    print(`upheavals: ${JSON.stringify(this.#count)}; failures: ${JSON.stringify(load.kinds)}`);
    const report = this.#samples.report();
    process.stdout.write(`${table(report)}\n`);
    return [
      ...lost,
      ...load.failures.filter(({ kind }) => !MAY_FAIL.includes(kind)).map(String),
      ...report.filter(({ level }) => level !== 'yes').map(({ measure }) => `${measure}: it grows`),
      ...(code === 0 ? [] : [`the last stop ended with ${code}`]),
    ];
  }

  async #upheave(upheavals: Record<string, () => Promise<void>>): Promise<void> {
    const all = Object.entries(upheavals);
    const [name, upheave] = all[randomInt(all.length)] ?? ['', async () => {}];
    this.#count[name] = (this.#count[name] ?? 0) + 1;
    print(`${this.#engine.name}: ${name}`);
    await upheave();
  }

  async #reload(): Promise<void> {
    const { code, stderr } = await manage(['reload'], { environment: this.#environment });
    // A database that was away a moment ago may still be away.
    if (code !== 0) print(`the reload failed: ${stderr}`);
  }

  async #restart(signal: NodeJS.Signals): Promise<void> {
    await this.#server.stop(signal);
    this.#server = await launchServer({ environment: this.#environment }).listens();
  }
}

async function run({ minutes, engine: named }: Options): Promise<void> {
  const engines = soakEngines(named);
  for (const make of engines) {
    const engine = await make();
    const faults = await Soak.run(engine, minutes / engines.length).finally(() => engine.remove());
    for (const fault of faults) print(`FAULT ${engine.name}: ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
  print(process.exitCode === 1 ? 'Something was wrong.' : 'Nothing was wrong.');
}

await new Command()
  .name('npm run soak --')
  .addOption(
    new Option('--minutes <number>', 'how long, all engines together').argParser(positive).default(10),
  )
  .addOption(new Option('--engine <name>', 'only this one').choices(['sqlite', 'mariadb']))
  .action(run)
  .parseAsync();
process.exit();
