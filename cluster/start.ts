/**
 * Starts the service: checks the settings, migrates the database, makes a missing secret key, and serves, in this
 * process with WORKERS=1 and otherwise through workers. Stops it on a signal.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { program } from 'commander';
import { loadSettings, type Settings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { withSecret } from '../config/secret.ts';
import { SettingsError } from '../config/sources.ts';
import { findRisks } from '../config/unsafe.ts';
import { openEngine } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { userQueries } from '../db/queries/users.ts';
import packageJson from '../package.json' with { type: 'json' };
import { makeLog } from '../plugins/log.ts';
import { startMaintenance } from './maintenance.ts';
import { whenParentEnds } from './parent.ts';
import { startPrimary } from './primary.ts';
import type { Serving } from './serve.ts';
import { logUncaughtErrors } from './uncaught-errors.ts';

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
  logUncaughtErrors();
  try {
    const settings = loadSettings({
      root: PROJECT_ROOT,
      environment: process.env,
      flags: { HOST: flags.host, PORT: flags.port },
    });
    await assertAddressUsable(settings);
    const running = run(settings);
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

async function run(settings: Settings): Promise<Pick<Serving, 'stop'>> {
  const log = makeLog(settings.LOG_LEVEL);
  for (const risk of findRisks(settings)) log.warn(risk);
  const report = prepareDatabase(settings);
  // Workers load their code meanwhile, and get their settings when the database is ready.
  const prepared = report.then(() => withSecret(settings));
  const serving = await (settings.WORKERS === 1
    ? serveAlone(prepared)
    : startPrimary(settings.WORKERS, prepared, log));
  const endMaintenance = await startMaintenance(settings, log);
  const { migrations, hasUsers } = await report;
  printReport(settings, serving.url, migrations, hasUsers);
  return {
    async stop() {
      await serving.stop();
      await endMaintenance();
    },
  };
}

async function serveAlone(prepared: Promise<Settings>): Promise<Serving> {
  const settings = await prepared;
  // A static import would load the whole app into a primary's memory, too.
  const { serve } = await import('./serve.ts');
  return serve(settings);
}

/**
 * Creates and migrates the database if AUTO_MIGRATE is set, and else checks it, before workers and maintenance open it.
 * @returns the migrations that it applied, and whether any user can sign in.
 */
async function prepareDatabase(settings: Settings) {
  const engine = await openEngine(settings, { create: settings.AUTO_MIGRATE });
  try {
    const migrations = await ensureSchema(engine, settings.AUTO_MIGRATE);
    const hasUsers = await userQueries(engine).exist();
    return { migrations, hasUsers };
  } finally {
    await engine.close();
  }
}

function printReport(settings: Settings, url: string, migrations: string[], hasUsers: boolean): void {
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
function stopOnSignal(running: ReturnType<typeof run>): void {
  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    // A start is completed first: stopping in the middle of a migration would leave it unfinished.
    await (await running).stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  if (['start', 'dev'].includes(process.env.npm_lifecycle_event ?? '')) whenParentEnds(stop);
}
