import compress from '@fastify/compress';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { MultipartDeps } from './api/assets/multipart/deps.ts';
import { putChunk } from './api/assets/multipart/putChunk.ts';
import { assetRoutes } from './api/assets/routes.ts';
import { getThumbnail } from './api/assets/thumbnail.ts';
import { type AuthDeps, requireKey } from './api/auth.ts';
import { type BodyBudget, limitBodies } from './api/body-budget.ts';
import { closeConnectionsOnShutdown } from './api/close-connections.ts';
import { COMPRESSION } from './api/compression.ts';
import { refuseContentEncodings } from './api/content-encoding.ts';
import { installDocs } from './api/docs.ts';
import { embedRoutes } from './api/embed-v2/routes.ts';
import { installErrors, refuseConnection, sendError } from './api/errors.ts';
import { parseJsonBodies } from './api/json-body.ts';
import { trackMethods } from './api/methods.ts';
import { installMetrics, type MetricsDeps } from './api/metrics.ts';
import { installNotFound } from './api/not-found.ts';
import { installOpenApi } from './api/openapi/install.ts';
import { type OperationsDeps, operationsRoutes } from './api/operations.ts';
import { installRequestLog } from './api/request-log.ts';
import { serializeLeniently } from './api/serialize.ts';
import { discardUnreadBodies } from './api/unread-bodies.ts';
import { validate } from './api/validation.ts';
import type { DedupedMedia } from './assets/deduped-media.ts';
import type { AssetService } from './assets/service.ts';
import { newId } from './database/ids.ts';
import type { IdempotencyKeys } from './idempotency/keys.ts';
import type { QueryService } from './queries/service.ts';
import type { CreateTaskDeps } from './tasks/create.ts';

export interface AppDeps extends AuthDeps, OperationsDeps, MetricsDeps {
  /** What tasks are made with, retrieved from and listed. */
  readonly embedding: CreateTaskDeps & { readonly dedupedMedia: DedupedMedia };
  /** What is embedded while somebody waits. */
  readonly queries: QueryService;
  readonly assets: AssetService;
  /** What was asked for with an `Idempotency-Key`. */
  readonly idempotency: IdempotencyKeys;
  /** Uploads in chunks, and the links by which they come. */
  readonly uploads: Omit<MultipartDeps, 'publicUrl' | 'idempotency'>;
  /** URL under which clients reach the server; without it, the host that a request names. */
  readonly publicUrl?: string;
  /** Bounds the JSON bodies in memory. */
  readonly bodies: BodyBudget;
  /** Of reelvec, for the OpenAPI document. */
  readonly version: string;
}

/** 1 MB, but for the routes that take media. */
const BODY_LIMIT = 1024 ** 2;
/** A connection on which nothing moves for so long is closed: longer than any answer is waited for. Milliseconds. */
const IDLE_MS = 120_000;
/** An id of any length is one that does not exist, not a route that does not. */
const MAX_ID_LENGTH = 16 * 1024;

/** The HTTP API, complete, on no port yet: `app.listen` or `app.inject` is up to the caller. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.embedding.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newId,
    bodyLimit: BODY_LIMIT,
    connectionTimeout: IDLE_MS,
    // What has come in before the end is answered, not refused.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_ID_LENGTH },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
  }) as unknown as FastifyInstance;
  // Text is nobody's body here: it is refused for its type, not for what it says.
  app.removeContentTypeParser('text/plain');
  parseJsonBodies(app);
  app.setValidatorCompiler(validate);
  app.setSerializerCompiler(serializeLeniently(app.log));
  await app.register(compress, COMPRESSION);
  discardUnreadBodies(app);
  closeConnectionsOnShutdown(app);
  installRequestLog(app);
  installErrors(app);
  refuseContentEncodings(app);
  // Clients that keep connections open find another node with their next request, not a connection that breaks.
  app.addHook('onRequest', async (_, reply) => {
    if (deps.draining?.aborted) reply.header('connection', 'close');
  });
  const refuseOtherMethods = trackMethods(app);
  installNotFound(app);
  await installOpenApi(app, deps);
  await installDocs(app, deps);
  operationsRoutes(app, deps);
  await installMetrics(app, deps);
  const { idempotency, publicUrl } = deps;
  const uploads = { ...deps.uploads, idempotency, publicUrl };
  await app.register(putChunk, { ...uploads, prefix: '/v1.3' });
  await app.register(getThumbnail, { ...uploads, assets: deps.assets, prefix: '/v1.3' });
  await app.register(
    async (v13) => {
      requireKey(v13, deps);
      limitBodies(v13, deps.bodies);
      await v13.register(embedRoutes, {
        ...deps.embedding,
        idempotency: deps.idempotency,
        queries: deps.queries,
        publicUrl: deps.publicUrl,
      });
      await v13.register(assetRoutes, { assets: deps.assets, idempotency, uploads });
    },
    { prefix: '/v1.3' },
  );
  refuseOtherMethods();
  await app.ready();
  return app;
}
