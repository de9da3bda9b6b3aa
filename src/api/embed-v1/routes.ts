import multipart from '@fastify/multipart';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { createEmbeddingsRoute } from './create-embeddings.ts';
import { createVideoTaskRoute } from './create-video-task.ts';
import { listVideoTasksRoute } from './list-video-tasks.ts';
import { retrieveVideoTaskRoute } from './retrieve-video-task.ts';
import { retrieveVideoTaskStatusRoute } from './retrieve-video-task-status.ts';

/** Routes under `/embed`, of the first version of the Embed API. Expects `request.owner`. */
export const embedV1Routes: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  await app.register(multipart);
  await app.register(createEmbeddingsRoute, deps);
  await app.register(createVideoTaskRoute, deps);
  await app.register(listVideoTasksRoute, deps);
  await app.register(retrieveVideoTaskRoute, deps);
  await app.register(retrieveVideoTaskStatusRoute, deps);
};
