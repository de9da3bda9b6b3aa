import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { taskParams } from '../embed-v2/schemas.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { requireVideoTask, videoTaskOf } from './represent.ts';
import { videoTaskStatus } from './schemas.ts';

export const retrieveVideoTaskStatusRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks }) => {
  app.get(
    '/embed/tasks/:task_id/status',
    {
      schema: {
        operationId: 'retrieveVideoTaskStatus',
        summary: 'Retrieve the status of a video embedding task',
        tags: ['embed'],
        params: taskParams,
        response: { ...commonErrors, 404: errorBody, 200: videoTaskStatus },
      },
    },
    async (request) => {
      const { task_id } = request.params;
      request.event.taskId = task_id;
      return videoTaskOf(requireVideoTask(await tasks.get(task_id, request.owner), task_id));
    },
  );
};
