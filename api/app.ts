import helmet from '@fastify/helmet';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Api, Dependencies } from './dependencies.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { requireApiKey } from './plugins/authentication.ts';
import { answerErrors, sendError } from './plugins/errors.ts';
import { readIdempotencyKeys } from './plugins/idempotency.ts';
import { readJsonBodies } from './plugins/json-body.ts';
import { measureRequests } from './plugins/measure-requests.ts';
import { describeApi } from './plugins/openapi.ts';
import { limitRates, requestsPerSecondMax } from './plugins/rate-limit.ts';
import { logRequests } from './plugins/request-log.ts';
import { useSchemas } from './plugins/schemas.ts';
import { refuseWhileStopping } from './plugins/shutdown.ts';
import { backfillRoutes } from './routes/backfills.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { graphRoutes } from './routes/graph.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRunRoutes } from './routes/job-runs.ts';
import { jobRoutes } from './routes/jobs.ts';
import { markRoute } from './routes/mark.ts';
import { metricsRoute } from './routes/metrics.ts';
import { pauseRoutes } from './routes/pauses.ts';
import { poolRoutes } from './routes/pools.ts';
import { projectRoutes } from './routes/projects.ts';
import { resumeRoutes } from './routes/resume.ts';
import { resumeJobRunRoute } from './routes/resume-job-run.ts';
import { retryRoute } from './routes/retry.ts';
import { runActionRoutes } from './routes/run-actions.ts';
import { graphRunRoutes, runRoutes } from './routes/runs.ts';
import { scheduleActionRoutes } from './routes/schedule-actions.ts';
import { scheduleSimulationRoutes } from './routes/schedule-simulation.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { verificationRoutes } from './routes/verifications.ts';

export interface AppOptions extends Dependencies {
  /** Silent without one. */
  readonly logger?: FastifyBaseLogger;
  readonly requestsPerSecondMax?: number;
}

const longestPathPart = 1_000;
/** Without a byte in either direction, such as a caller who sends its request by drips. */
const idleConnectionMs = 120_000;

/** The HTTP API: all plugins and routes, wired by hand. Ready to listen, or to be injected into. */
export async function createApp({ logger, ...options }: AppOptions): Promise<Api> {
  const app: Api = fastify({
    ...(logger && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    return503OnClosing: false,
    connectionTimeout: idleConnectionMs,
    routerOptions: { maxParamLength: longestPathPart },
  }).withTypeProvider<ZodTypeProvider>();
  app.decorateRequest('actor', '');
  app.decorateRequest('errorCode', null);
  app.decorateRequest('idempotency', null);

  const metrics = createMetrics(options.store);
  answerErrors(app);
  logRequests(app);
  measureRequests(app, metrics);
  refuseWhileStopping(app);
  readJsonBodies(app);
  useSchemas(app);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // For whoever ends TLS to decide, and for the subdomains that are his.
    strictTransportSecurity: false,
  });
  await limitRates(app, options.requestsPerSecondMax ?? requestsPerSecondMax);
  await describeApi(app);

  healthRoutes(app, options);
  await app.register((scope) => keyedRoutes(scope.withTypeProvider<ZodTypeProvider>(), options, metrics));
  await app.ready();
  return app;
}

/** All routes that ask for an API key. */
async function keyedRoutes(scope: Api, dependencies: Dependencies, metrics: Metrics): Promise<void> {
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  requireApiKey(scope, dependencies.store);

  metricsRoute(scope, metrics);
  await scope.register((v1) => apiRoutes(v1.withTypeProvider<ZodTypeProvider>(), dependencies, metrics), {
    prefix: '/v1',
  });
}

async function apiRoutes(v1: Api, dependencies: Dependencies, metrics: Metrics): Promise<void> {
  readIdempotencyKeys(v1);

  projectRoutes(v1, dependencies);
  jobRoutes(v1, dependencies);
  runRoutes(v1, dependencies);
  graphRunRoutes(v1, dependencies);
  resumeRoutes(v1, dependencies);
  jobRunRoutes(v1, dependencies);
  runActionRoutes(v1, dependencies);
  pauseRoutes(v1, dependencies);
  retryRoute(v1, dependencies);
  markRoute(v1, dependencies);
  resumeJobRunRoute(v1, dependencies);
  poolRoutes(v1, dependencies);
  eventRoutes(v1, dependencies, metrics);
  verificationRoutes(v1, dependencies);
  scheduleRoutes(v1, dependencies);
  scheduleActionRoutes(v1, dependencies);
  scheduleSimulationRoutes(v1, dependencies);
  backfillRoutes(v1, dependencies);
  await v1.register((scope) => graphRoutes(scope.withTypeProvider<ZodTypeProvider>(), dependencies));
  await v1.register((scope) => fileRoutes(scope.withTypeProvider<ZodTypeProvider>(), dependencies));
}
