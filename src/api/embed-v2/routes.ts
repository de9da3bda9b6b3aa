import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createEmbeddingRoute } from './create-embedding.ts';
import { createTaskRoute } from './create-task.ts';
import { deleteTaskRoute } from './delete-task.ts';
import type { EmbedDeps } from './deps.ts';
import { followTaskRoute } from './follow-task.ts';
import { listTasksRoute } from './list-tasks.ts';
import { retrieveTaskRoute } from './retrieve-task.ts';

/** Routes under `/embed-v2`. Expects `request.owner`, the id of the authenticated key. */
export const embedRoutes: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  await app.register(createEmbeddingRoute, deps);
  await app.register(createTaskRoute, deps);
  await app.register(listTasksRoute, deps);
  await app.register(retrieveTaskRoute, deps);
  await app.register(deleteTaskRoute, deps);
  await app.register(followTaskRoute, deps);
};
