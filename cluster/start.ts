/**
 * Starts the service: checks the settings, has the database migrated, makes a missing secret key, and serves through workers. Reloads it
 * and stops it on a signal.
 */
import { program } from 'commander';
import { controlPath } from '../config/control.ts';
import { describeDatabase } from '../config/database-url.ts';
import { reasonOf } from '../config/errors.ts';
import { loadSettings, type Settings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { withSecret } from '../config/secret.ts';
import { findRisks } from '../config/unsafe.ts';
import packageJson from '../package.json' with { type: 'json' };
import { makeLog } from '../plugins/log.ts';
import { living } from './child.ts';
import { serveControl } from './control.ts';
import { bindAddress, type Listener } from './listener.ts';
import { MaintainerProcess } from './maintainer-process.ts';
import type { Flags, PreparedDatabase } from './messages.ts';
import type { ServiceMetrics } from './metrics.ts';
import { whenParentEnds } from './parent.ts';
import { Primary } from './primary.ts';
import { Systemd } from './systemd.ts';
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
    const given: Flags = { HOST: flags.host, PORT: flags.port };
    const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env, flags: given });
    // Fails before anything is created.
    const listener = await bindAddress(settings);
    const metrics = await listenForMetrics(settings);
    const running = run(settings, given, listener, metrics);
    reloadOnSignal(running);
    stopOnSignal(running);
    await running;
  } catch (error) {
    for (const line of reasonOf(error).split('\n')) process.stderr.write(`rollcall: ${line}\n`);
    process.exit(1);
  }
}

/** Loads the metrics only where they are wanted. @throws {SettingsError} when they can't be served. */
async function listenForMetrics(settings: Settings): Promise<ServiceMetrics | undefined> {
  if (settings.METRICS_PORT === undefined) return undefined;
  const { ServiceMetrics } = await import('./metrics.ts');
  return ServiceMetrics.listen(settings);
}

interface Running {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

async function run(
  settings: Settings,
  given: Flags,
  listener: Listener,
  metrics: ServiceMetrics | undefined,
): Promise<Running> {
  const log = makeLog(settings.LOG_LEVEL);
  const systemd = new Systemd(log);
  for (const risk of findRisks(settings)) log.warn(risk);
  const maintainer = new MaintainerProcess(settings, log, (isWritable) => primary.tellWritable(isWritable));
  const report = maintainer.prepare();
  // Workers load their code meanwhile, and get their settings when the database is ready.
  const prepared = report.then(() => withSecret(settings));
  const primary = await Primary.start(settings, prepared, {
    listener,
    flags: given,
    log,
    onUnavailable: (count, reason) => maintainer.noteFailures(count, reason),
    async onSettings(current) {
      await maintainer.maintain(current);
      log.level = current.LOG_LEVEL;
      for (const risk of findRisks(current)) log.warn(risk);
    },
    onReload: (ended) => systemd.reloading(ended),
  });
  metrics?.observe(primary, () => maintainer.metrics());
  await maintainer.maintain(settings);
  const endControl = await serveControl(controlPath(settings, listener.port), primary, log);
  printReport(settings, listener.url, metrics?.url, await report);
  const hasReadyWorker = () => [...primary.workers].some(({ state }) => state === 'ready');
  systemd.ready(`It listens on ${listener.url}.`, hasReadyWorker);
  return {
    async reload() {
      await primary.reload();
    },
    async stop() {
      log.info('the service stops');
      const told = systemd.stopping();
      endControl();
      await Promise.all([primary.stop(), maintainer.stop()]);
      metrics?.stop();
      await told;
    },
  };
}

function printReport(
  settings: Settings,
  url: string,
  metricsUrl: string | undefined,
  { migrations, hasUsers }: PreparedDatabase,
): void {
  const workers = settings.WORKERS === 1 ? 'with 1 worker' : `with ${settings.WORKERS} workers`;
  const migrated = migrations.length > 0 ? ` (brought up to date by ${migrations.join(', ')})` : '';
  const lines = [
    `Rollcall ${packageJson.version} listens on ${url}, ${workers}, for ${settings.NODE_ENV}.`,
    `  database       ${describeDatabase(settings.DATABASE_URL)}${migrated}`,
    `  settings       ${settings.configFile ?? 'the defaults and the environment (APP_CONFIG_FILE may name a file)'}`,
    `  documentation  ${PROJECT_ROOT}/README.md${settings.DOCS ? `, ${url}/docs` : ''}`,
    ...(metricsUrl ? [`  metrics        ${metricsUrl}`] : []),
    ...(hasUsers
      ? []
      : [
          'No user can sign in yet. Make the first administrator: npm run manage -- user create NAME --admin',
        ]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** A signal during the start reloads after it. */
function reloadOnSignal(running: Promise<Running>): void {
  process.on('SIGHUP', () => {
    void running.then(
      ({ reload }) => reload(),
      () => {},
    );
  });
}

/** The first signal stops cleanly. A second one ends all processes at once. */
function stopOnSignal(running: Promise<Running>): void {
  let isStopping = false;
  const stop = async () => {
    if (isStopping) {
      // One that is stopped (SIGSTOP) does not notice that the primary is gone.
      for (const child of living) child.kill('the service is stopped at once');
      process.exit(1);
    }
    isStopping = true;
    // A start is completed first: stopping in the middle of a migration would leave it unfinished.
    await (await running).stop();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  if (['start', 'dev'].includes(process.env.npm_lifecycle_event ?? '')) whenParentEnds(stop);
}
