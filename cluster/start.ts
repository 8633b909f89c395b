/**
 * Starts the service: checks the settings, migrates the database, makes a missing secret key, and serves, in this
 * process with WORKERS=1 and otherwise through workers. Stops it on a signal.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { program } from 'commander';
import { pino } from 'pino';
import { loadSettings, type Settings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { withSecret } from '../config/secret.ts';
import { SettingsError } from '../config/sources.ts';
import { openEngine } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { userQueries } from '../db/queries/users.ts';
import packageJson from '../package.json' with { type: 'json' };
import { startMaintenance } from './maintenance.ts';
import { whenParentEnds } from './parent.ts';
import { startPrimary } from './primary.ts';

interface Running {
  stop(): Promise<void>;
}

const flags = program
  .name('npm start --')
  .description(
    'Starts the service. The environment, or the file that APP_CONFIG_FILE names, sets everything else.',
  )
  .option('--host <address>', 'the address to listen on (HOST)')
  .option('--port <number>', 'the port to listen on (PORT)')
  .parse()
  .opts<{ host?: string; port?: string }>();

/** Runs the service until a signal stops it. When it can't start, prints why and exits with code 1. */
export async function start(): Promise<void> {
  try {
    const settings = loadSettings({
      root: PROJECT_ROOT,
      environment: process.env,
      flags: { HOST: flags.host, PORT: flags.port },
    });
    await assertAddressUsable(settings);
    const running = settings.WORKERS === 1 ? serveAlone(settings) : serveWithWorkers(settings);
    stopOnSignal(running);
    await running;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const line of text.split('\n')) process.stderr.write(`rollcall: ${line}\n`);
    process.exit(1);
  }
}

/** Fails before anything is created. @throws {SettingsError} when the address can't be listened on. */
async function assertAddressUsable({ HOST, PORT }: Settings): Promise<void> {
  const probe = createServer().listen(PORT, HOST);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError([
      `HOST is ${HOST} and PORT is ${PORT}, but the service can't listen there: ${reason}. Set an address of this machine and a free port.`,
    ]);
  }
  probe.close();
  await once(probe, 'close');
}

async function serveAlone(settings: Settings): Promise<Running> {
  // A static import would load the whole app into a primary's memory, too.
  const { serve } = await import('./serve.ts');
  const report = await prepareDatabase(settings);
  const running = await serve(withSecret(settings));
  const endMaintenance = await startMaintenance(settings, pino({ level: settings.LOG_LEVEL }));
  printReport(settings, running.url, report);
  return {
    async stop() {
      await running.stop();
      await endMaintenance();
    },
  };
}

async function serveWithWorkers(settings: Settings): Promise<Running> {
  const report = prepareDatabase(settings);
  // The workers load their code meanwhile, and get their settings when the database is ready.
  const prepared = report.then(() => withSecret(settings));
  const log = pino({ level: settings.LOG_LEVEL });
  const primary = await startPrimary(settings.WORKERS, prepared, log);
  const endMaintenance = await startMaintenance(settings, log);
  printReport(settings, primary.url, await report);
  return {
    async stop() {
      await primary.stop();
      await endMaintenance();
    },
  };
}

interface StartupReport {
  migrations: string[];
  /** Whether any user can sign in. */
  hasUsers: boolean;
}

/** Creates and migrates the database if AUTO_MIGRATE is set, and else checks it, before workers and maintenance open it. */
async function prepareDatabase(settings: Settings): Promise<StartupReport> {
  const engine = await openEngine(settings, { create: settings.AUTO_MIGRATE });
  try {
    const migrations = await ensureSchema(engine, settings.AUTO_MIGRATE);
    const hasUsers = await userQueries(engine).exist();
    return { migrations, hasUsers };
  } finally {
    await engine.close();
  }
}

function printReport(settings: Settings, url: string, { migrations, hasUsers }: StartupReport): void {
  const workers = settings.WORKERS === 1 ? 'in one process' : `with ${settings.WORKERS} workers`;
  const migrated = migrations.length > 0 ? ` (brought up to date by ${migrations.join(', ')})` : '';
  // Without the password and the parameters of MySQL's.
  const database = settings.DATABASE_URL.replace(/^(mysql:\/\/)(?:.*@)?([^?]*).*/, '$1$2');
  const lines = [
    `Rollcall ${packageJson.version} listens on ${url}, ${workers}, for ${settings.NODE_ENV}.`,
    `  database       ${database}${migrated}`,
    `  settings       ${settings.configFile ?? 'the defaults and the environment (APP_CONFIG_FILE may name a file)'}`,
    `  documentation  ${PROJECT_ROOT}/README.md${settings.DOCS ? `, ${url}/docs` : ''}`,
    ...(hasUsers
      ? []
      : [
          'No user can sign in yet. Make the first administrator: npm run manage -- user create NAME --admin',
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The first signal stops cleanly. A second one exits at once. */
function stopOnSignal(running: Promise<Running>): void {
  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    // A start is completed first: stopping in the middle of a migration would leave it unfinished.
    await (await running).stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());

  if (['start', 'dev'].includes(process.env.npm_lifecycle_event ?? '')) whenParentEnds(() => void stop());
}
