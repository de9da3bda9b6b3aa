import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { commonErrors, errorBody } from '../errors.ts';
import type { EmbedDeps } from './deps.ts';
import { noSuchTask } from './represent.ts';
import { taskParams } from './schemas.ts';

export const deleteTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks, blobs, dedupedMedia, log }) => {
  app.delete(
    '/embed-v2/tasks/:task_id',
    {
      schema: {
        operationId: 'deleteTask',
        summary: 'Cancel a task in progress, or remove a finished one and its result',
        tags: ['embed-v2'],
        params: taskParams,
        response: { ...commonErrors, 404: errorBody, 204: z.undefined().describe('The task is gone.') },
      },
    },
    async ({ owner, event, params: { task_id: id } }, reply) => {
      event.taskId = id;
      // Deletes the row first, so that running work on the task notices and stops.
      const task = await tasks.delete(id, owner);
      if (!task) throw noSuchTask(id);
      // The task is already deleted; the sweep removes blobs that cannot be removed now.
      const removed = Promise.all([blobs.remove(`tasks/${id}/`), dedupedMedia.release(task.contentId)]);
      await removed.catch((err) => log.error({ err, taskId: id }, 'blobs of deleted task not removed'));
      return reply.code(204).send();
    },
  );
};
