import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from '../observe/logger.ts';
import type { AuthDeps } from './auth.ts';
import { installErrors } from './errors.ts';
import { installMetrics, type MetricsDeps } from './metrics.ts';
import { installNotFound } from './not-found.ts';
import { type OperationsDeps, operationsRoutes } from './operations.ts';
import { installRequestLog } from './request-log.ts';
import { serializeLeniently } from './serialize.ts';
import { validate } from './validation.ts';

/** Builds the HTTP app of a worker: health, readiness and metrics. */
export async function buildWorkerApp(
  deps: AuthDeps & OperationsDeps & MetricsDeps & { readonly log: Logger },
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
  }) as unknown as FastifyInstance;
  app.setValidatorCompiler(validate);
  app.setSerializerCompiler(serializeLeniently(app.log));
  installRequestLog(app);
  installErrors(app);
  installNotFound(app);
  operationsRoutes(app, deps);
  await installMetrics(app, deps);
  return app;
}
