/**
 * How the service starts: it checks the settings, brings the database up to date, makes the secret if there is none,
 * and then serves, by itself with WORKERS=1, else through workers. And how it stops.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { program } from 'commander';
import { pino } from 'pino';
import { loadSettings, type Settings, SettingsError } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { withSecret } from '../config/secret.ts';
import { openEngine } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { userQueries } from '../db/queries/users.ts';
import packageJson from '../package.json' with { type: 'json' };
import { startMaintenance } from './maintenance.ts';
import { startPrimary } from './primary.ts';

/** How often a service that npm started looks whether npm's shell is still there, in milliseconds. */
const PARENT_INTERVAL = 250;

interface Running {
  stop(): Promise<void>;
}

const flags = program
  .name('npm start --')
  .description(
    'Starts the service. Everything else is set by the environment, or by the file that APP_CONFIG_FILE names.',
  )
  .option('--host <address>', 'the address to listen on (HOST)')
  .option('--port <number>', 'the port to listen on (PORT)')
  .parse()
  .opts<{ host?: string; port?: string }>();

/** Runs the service until it is told to stop; a service that can't start says why, and ends with exit code 1. */
export async function start(): Promise<void> {
  try {
    const settings = loadSettings({
      root: PROJECT_ROOT,
      environment: process.env,
      flags: { HOST: flags.host, PORT: flags.port },
    });
    await refuseUnusableAddress(settings);
    const running = settings.WORKERS === 1 ? alone(settings) : withWorkers(settings);
    stopOnSignal(running);
    await running;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const line of text.split('\n')) process.stderr.write(`rollcall: ${line}\n`);
    process.exit(1);
  }
}

/** Finds out that the address can't be listened on before anything is made. @throws {SettingsError} */
async function refuseUnusableAddress({ HOST, PORT }: Settings): Promise<void> {
  const probe = createServer().listen(PORT, HOST);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError([
      `HOST is ${HOST} and PORT is ${PORT}, but nothing can listen there: ${reason}. Give an address of this machine and a port that is free.`,
    ]);
  }
  probe.close();
  await once(probe, 'close');
}

/** Serves in this process. */
async function alone(settings: Settings): Promise<Running> {
  // Only here, since a primary would carry all of the app in its memory for nothing.
  const { serve } = await import('./serve.ts');
  const report = await prepare(settings);
  const running = await serve(withSecret(settings));
  const endMaintenance = await startMaintenance(settings, pino({ level: settings.LOG_LEVEL }));
  welcome(settings, running.url, report);
  return {
    async stop() {
      await running.stop();
      await endMaintenance();
    },
  };
}

/** Serves through workers, and looks after the database for them. */
async function withWorkers(settings: Settings): Promise<Running> {
  const report = prepare(settings);
  // The workers load their code while the database is made ready, and get their settings when it is.
  const prepared = report.then(() => withSecret(settings));
  const log = pino({ level: settings.LOG_LEVEL });
  const primary = await startPrimary(settings.WORKERS, prepared, log);
  const endMaintenance = await startMaintenance(settings, log);
  welcome(settings, primary.url, await report);
  return {
    async stop() {
      await primary.stop();
      await endMaintenance();
    },
  };
}

interface StartupReport {
  migrations: string[];
  /** Whether anybody can sign in. */
  hasUsers: boolean;
}

/** Makes the database and brings it up to date, before anybody else opens it. */
async function prepare(settings: Settings): Promise<StartupReport> {
  const engine = await openEngine(settings);
  try {
    const applied = await ensureSchema(engine, settings.AUTO_MIGRATE);
    const hasUsers = await userQueries(engine).exist();
    return { migrations: applied, hasUsers };
  } finally {
    await engine.close();
  }
}

function welcome(settings: Settings, url: string, { migrations, hasUsers }: StartupReport): void {
  const workers = settings.WORKERS === 1 ? 'in one process' : `with ${settings.WORKERS} workers`;
  const brought = migrations.length > 0 ? ` (brought up to date by ${migrations.join(', ')})` : '';
  const lines = [
    `Rollcall ${packageJson.version} listens on ${url}, ${workers}, for ${settings.NODE_ENV}.`,
    `  database       ${settings.DATABASE_URL.replace(/\/\/.*@/, '//').replace(/\?.*/, '')}${brought}`,
    `  settings       ${settings.configFile ?? 'the defaults and the environment (APP_CONFIG_FILE may name a file)'}`,
    `  documentation  ${PROJECT_ROOT}/README.md${settings.DOCS ? `, ${url}/docs` : ''}`,
    ...(hasUsers
      ? []
      : ['Nobody can sign in yet. Make the first administrator: npm run manage -- user create NAME --admin']),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The first signal stops cleanly; a second one does not wait. */
function stopOnSignal(running: Promise<Running>): void {
  let asked = false;
  const stop = async () => {
    if (asked) process.exit(1);
    asked = true;
    // One that is still starting is let come up first: stopped in mid-migration it would leave a mess.
    await (await running).stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());

  // npm gives a signal to the shell that it runs us in, and that one ends without passing it on.
  if (process.env.npm_lifecycle_event !== 'start') return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    void stop();
  }, PARENT_INTERVAL);
}
