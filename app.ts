/**
 * The whole service as a Fastify instance. It never listens and reads no environment, so tests can have many, each with its own
 * settings and parts.
 */
import { join } from 'node:path';
import autoload from '@fastify/autoload';
import { compile } from '@fastify/proxy-addr';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { parseAddress } from './accounts/networks.ts';
import type { Hashing } from './accounts/passwords/hashing.ts';
import type { Settings } from './config/load.ts';
import { loadFolder } from './config/load-folder.ts';
import { openEngine, prepareQueries } from './db/database.ts';
import { ensureSchema } from './db/migrate/migrator.ts';
import authenticate from './plugins/auth/authenticate.ts';
import devLogin from './plugins/auth/dev-login.ts';
import guards from './plugins/auth/guards.ts';
import passwords from './plugins/auth/passwords.ts';
import sessionCookie from './plugins/auth/session-cookie.ts';
import database from './plugins/database.ts';
import health from './plugins/health.ts';
import { clientAddress } from './plugins/http/client-address.ts';
import connections from './plugins/http/connections.ts';
import cors from './plugins/http/cors.ts';
import crossSite from './plugins/http/cross-site.ts';
import errors, { sendFrameworkError } from './plugins/http/errors.ts';
import etags from './plugins/http/etags.ts';
import head from './plugins/http/head.ts';
import httpChecks from './plugins/http/http-checks.ts';
import httpsOnly from './plugins/http/https-only.ts';
import openapi from './plugins/http/openapi.ts';
import overload from './plugins/http/overload.ts';
import paging from './plugins/http/paging.ts';
import requestId, { makeRequestIds, requestIds, type TrustProxy } from './plugins/http/request-id.ts';
import requestLog from './plugins/http/request-log.ts';
import routeTable from './plugins/http/route-table.ts';
import securityHeaders from './plugins/http/security-headers.ts';
import traceContext, { traceOf } from './plugins/http/trace-context.ts';
import validation from './plugins/http/validation.ts';
import { makeLog } from './plugins/log.ts';
import refusals from './plugins/refusals.ts';
import { serializerFactory } from './schemas/serializers.ts';

export interface AppOptions {
  settings: Settings;
  /** Whether another process has prepared the database and maintains it (see openEngine). */
  worker?: boolean;
  /** Takes the reason of each request that failed because the database can't serve. Without it, each is logged. */
  onUnavailable?: (reason: string) => void;
  /** The logger; standard output without it. */
  log?: Logger;
  /** Takes the place of the real hashing. */
  hashing?: Hashing;
}

export type App = Awaited<ReturnType<typeof createApp>>;

/**
 * @returns the service, ready for `inject` or `listen`; closing it closes its database.
 * @throws when the database can't be opened or has not the schema that the code expects.
 */
export async function createApp({ settings, worker = false, ...parts }: AppOptions) {
  const mayMigrate = settings.AUTO_MIGRATE && !worker;
  const engine = await openEngine(settings, { create: mayMigrate, worker });
  try {
    const migrations = await ensureSchema(engine, mayMigrate);
    const app = await assemble(settings, prepareQueries(engine), parts);
    if (migrations.length > 0) app.log.info({ migrations }, 'the database was brought up to date');
    return app;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function assemble(
  settings: Settings,
  db: ReturnType<typeof prepareQueries>,
  parts: Pick<AppOptions, 'log' | 'hashing' | 'onUnavailable'>,
) {
  const log = (parts.log ?? makeLog(settings.LOG_LEVEL)).child({}, { serializers: SERIALIZERS });
  const isProduction = settings.NODE_ENV === 'production';
  const nextId = makeRequestIds();
  const app = Fastify({
    ...serverOptions(settings, log, nextId),
    http: HTTP_OPTIONS,
    clientErrorHandler: (error, socket): void => app.answerBrokenRequest(error, socket),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.log = log;
  app.setChildLoggerFactory((_log, bindings, options, { headers }) =>
    log.child({ ...bindings, ...traceOf(headers.traceparent) }, options),
  );
  const limits = {
    idle: settings.SESSION_IDLE,
    lifetime: settings.SESSION_LIFETIME,
    remember: settings.REMEMBER_LIFETIME,
    most: settings.MAX_SESSIONS,
  };

  // Hooks run in the order in which they are registered: what refuses a request by little work comes first, but behind what measures it.
  if (settings.METRICS_PORT !== undefined) await app.register(import('./plugins/metrics.ts'));
  await app.register(requestId);
  await app.register(traceContext);
  if (settings.LOG_REQUESTS) await app.register(requestLog);
  await app.register(securityHeaders, { isProduction });
  await app.register(routeTable);
  await app.register(head);
  await app.register(sessionCookie, {
    keys: settings.SECRET_KEY,
    secure: isProduction,
  });
  await app.register(errors);
  // Behind the errors, since it has a route of its own, whose errors are problems as well.
  if (settings.ORIGINS.length > 0) await app.register(cors, { origins: settings.ORIGINS });
  await app.register(overload);
  await app.register(connections, { nextId });
  await app.register(httpChecks);
  if (isProduction) await app.register(httpsOnly);
  await app.register(crossSite, { publicUrl: settings.PUBLIC_URL, origins: settings.ORIGINS });
  await app.register(validation);
  await app.register(database, { database: db });
  await app.register(health, { onUnavailable: parts.onUnavailable });
  await app.register(refusals);
  await app.register(passwords, { hashing: parts.hashing, rules: settings, workers: settings.WORKERS });
  await app.register(authenticate, { limits });
  for (const loader of await loadFolder<FastifyPluginAsync>(
    join(import.meta.dirname, 'plugins/auth/loaders'),
  ))
    await app.register(loader);
  if (settings.AUTH_HACK_USER) await app.register(devLogin, { username: settings.AUTH_HACK_USER });
  await app.register(guards);
  await app.register(paging);
  await app.register(etags);
  if (settings.DOCS) await app.register(openapi);

  // Each folder with an index.ts is a blueprint; the folder's path is its prefix.
  await app.register(autoload, {
    dir: join(import.meta.dirname, 'routes'),
    options: { settings, signUp: settings.SIGN_UP === 'open', limits },
  });
  await app.ready();
  return app;
}

/** Headers stay out of the log: they carry credentials. */
const SERIALIZERS = {
  req: (request: FastifyRequest) => ({
    method: request.method,
    url: request.url,
    ip: clientAddress(request),
  }),
  res: ({ statusCode }: FastifyReply) => ({ statusCode }),
};

/**
 * Whether Fastify logs each request and its answer. Only then does it get the logger: with one, it attends to the end of each
 * answer even when it logs nothing, which costs a tenth of a signed-in request; measured in docs/performance.md.
 */
const logsRequests = ({ LOG_LEVEL }: Settings) => ['debug', 'trace'].includes(LOG_LEVEL);

/** Times in milliseconds. */
const HTTP_OPTIONS = {
  headersTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // So that plugins/http/http-checks.ts sees all lines of a header, and answers a request without Host.
  joinDuplicateHeaders: true,
  requireHostHeader: false,
};

/** Whose X-Forwarded-… headers and X-Request-Id are believed. It is one function, so that nobody is trusted by halves. */
function trustedProxies({ TRUST_PROXY }: Settings): TrustProxy | false {
  if (typeof TRUST_PROXY === 'boolean') return TRUST_PROXY && (() => true);
  const trusts = compile(TRUST_PROXY);
  // Some proxies write the port as well.
  return (address, hop) => trusts(parseAddress(address) ?? '', hop);
}

function serverOptions(settings: Settings, log: Logger, nextId: () => string): FastifyServerOptions {
  const trusts = trustedProxies(settings);

  return {
    ...(logsRequests(settings) ? { loggerInstance: log } : {}),
    trustProxy: trusts,
    routerOptions: { ignoreTrailingSlash: true },
    // In bytes: no request of this API needs more.
    bodyLimit: 64 * 1024,
    genReqId: requestIds(trusts, nextId),
    schemaController: { compilersFactory: { buildSerializer: serializerFactory } },
    logController: new LogController({
      disableRequestLogging: !logsRequests(settings),
      requestIdLogLabel: 'requestId',
    }),
    // In milliseconds: a client that sends a byte at a time must not hold a connection for ever.
    requestTimeout: 30_000,
    // Nor one that does not read its answers.
    connectionTimeout: 120_000,
    // Longer than the usual 60 seconds of proxies, which might reuse a connection just as it is closed.
    keepAliveTimeout: 72_000,
    frameworkErrors: sendFrameworkError,
  };
}
