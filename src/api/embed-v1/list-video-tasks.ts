import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { taskFilter } from '../embed-v2/list-tasks.ts';
import { listTasksQuery } from '../embed-v2/schemas.ts';
import { commonErrors } from '../errors.ts';
import { describePage, pageBounds } from '../page.ts';
import { videoTaskOf } from './represent.ts';
import { videoTaskPage } from './schemas.ts';

export const listVideoTasksRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks }) => {
  app.get(
    '/embed/tasks',
    {
      schema: {
        operationId: 'listVideoTasks',
        summary: 'List your video embedding tasks, newest first',
        tags: ['embed'],
        querystring: listTasksQuery,
        response: { ...commonErrors, 200: videoTaskPage },
      },
    },
    async ({ owner, query }) => {
      const found = await tasks.list(owner, { ...taskFilter(query), inputType: 'video' }, pageBounds(query));
      return { data: found.tasks.map(videoTaskOf), page_info: describePage(query, found.total) };
    },
  );
};
