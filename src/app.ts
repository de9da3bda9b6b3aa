import compress from '@fastify/compress';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { MultipartDeps } from './api/assets/multipart/deps.ts';
import { uploadChunkRoute } from './api/assets/multipart/upload-chunk.ts';
import { retrieveThumbnailRoute } from './api/assets/retrieve-thumbnail.ts';
import { assetRoutes } from './api/assets/routes.ts';
import { type AuthDeps, requireKey } from './api/auth.ts';
import { type BodyBudget, limitBodies } from './api/body-budget.ts';
import { closeConnectionsOnShutdown } from './api/close-connections.ts';
import { COMPRESSION } from './api/compression.ts';
import { refuseContentEncodings } from './api/content-encoding.ts';
import { installDocs } from './api/docs.ts';
import { embedV1Routes } from './api/embed-v1/routes.ts';
import { embedRoutes } from './api/embed-v2/routes.ts';
import { installErrors, refuseConnection, sendError } from './api/errors.ts';
import { parseJsonBodies } from './api/json-body.ts';
import { trackMethods } from './api/methods.ts';
import { installMetrics, type MetricsDeps } from './api/metrics.ts';
import { installNotFound } from './api/not-found.ts';
import { openAiEmbeddingsRoute } from './api/openai/create-embeddings.ts';
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

/** Dependencies of the HTTP API. */
export interface AppDeps extends AuthDeps, OperationsDeps, MetricsDeps {
  /** Creates, retrieves and lists tasks. */
  readonly embedding: CreateTaskDeps & { readonly dedupedMedia: DedupedMedia };
  /** Synchronous embedding (`POST /embed-v2`). */
  readonly queries: QueryService;
  readonly assets: AssetService;
  /** Answers to requests with an `Idempotency-Key`. */
  readonly idempotency: IdempotencyKeys;
  /** Multipart uploads and their signed links. */
  readonly uploads: Omit<MultipartDeps, 'publicUrl' | 'idempotency'>;
  /** URL under which clients reach the server; default: the host of the request. */
  readonly publicUrl?: string;
  /** Limit on the JSON bodies in memory. */
  readonly bodies: BodyBudget;
  /** Model names that requests may have, in addition to the bundle's. */
  readonly modelNames: readonly string[];
  /** Version of reelvec, for the OpenAPI document. */
  readonly version: string;
}

/** Default body limit in bytes. Routes that accept media have their own. */
const DEFAULT_BODY_LIMIT_BYTES = 1024 ** 2;
/**
 * Idle timeout of a connection in milliseconds. Longer than any request that waits for a result. It also ends an answer
 * whose client reads nothing. Node compares the pending bytes of two checks, so that takes up to twice as long.
 */
const CONNECTION_IDLE_TIMEOUT_MS = 120_000;
/**
 * Maximum length of a path parameter in characters. High, so that a long id gets "no such task" and not "no such
 * route".
 */
const MAX_ID_LENGTH = 16 * 1024;

/** Builds the HTTP API without listening. The caller uses `app.listen`, or `app.inject` in tests. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.embedding.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newId,
    bodyLimit: DEFAULT_BODY_LIMIT_BYTES,
    connectionTimeout: CONNECTION_IDLE_TIMEOUT_MS,
    // Answers requests that arrive on open connections during shutdown.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_ID_LENGTH },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => sendError(error, request, reply),
  }) as unknown as FastifyInstance;
  // No route accepts text, so a text body gets 415 instead of a validation error.
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
  // While draining, clients with keep-alive connections reconnect to another node instead of losing the connection.
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
  await app.register(uploadChunkRoute, { ...uploads, prefix: '/v1.3' });
  await app.register(retrieveThumbnailRoute, { ...uploads, assets: deps.assets, prefix: '/v1.3' });
  await app.register(
    async (v13) => {
      requireKey(v13, deps);
      limitBodies(v13, deps.bodies);
      const { queries, modelNames } = deps;
      const embed = { ...deps.embedding, idempotency, queries, modelNames, publicUrl };
      await v13.register(embedRoutes, embed);
      await v13.register(embedV1Routes, embed);
      await v13.register(assetRoutes, { assets: deps.assets, idempotency, uploads });
    },
    { prefix: '/v1.3' },
  );
  await app.register(
    async (v1) => {
      requireKey(v1, deps);
      limitBodies(v1, deps.bodies);
      await v1.register(openAiEmbeddingsRoute, { queries: deps.queries, modelNames: deps.modelNames });
    },
    { prefix: '/v1' },
  );
  refuseOtherMethods();
  await app.ready();
  return app;
}
