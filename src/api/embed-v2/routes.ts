import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createEmbeddingRoute } from './createEmbedding.ts';
import { createTaskRoute } from './createTask.ts';
import { deleteTaskRoute } from './deleteTask.ts';
import type { EmbedDeps } from './deps.ts';
import { listTasksRoute } from './listTasks.ts';
import { retrieveTaskRoute } from './retrieveTask.ts';
import { taskEventsRoute } from './taskEvents.ts';

/** Routes under `/embed-v2`. Expects `request.owner`, the id of the authenticated key. */
export const embedRoutes: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  await app.register(createEmbeddingRoute, deps);
  await app.register(createTaskRoute, deps);
  await app.register(listTasksRoute, deps);
  await app.register(retrieveTaskRoute, deps);
  await app.register(deleteTaskRoute, deps);
  await app.register(taskEventsRoute, deps);
};
