import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { TaskFilter } from '../../tasks/repository.ts';
import { commonErrors } from '../errors.ts';
import { describePage, pageBounds } from '../page.ts';
import type { EmbedDeps } from './deps.ts';
import { listedTaskOf } from './represent.ts';
import { listTasksQuery, taskPage } from './schemas.ts';

/** Period of a list without dates, in milliseconds. */
const DEFAULT_PERIOD_MS = 7 * 24 * 3600 * 1000;

export const listTasksRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks }) => {
  app.get(
    '/embed-v2/tasks',
    {
      schema: {
        operationId: 'listTasks',
        summary: 'List your tasks, newest first',
        tags: ['embed-v2'],
        querystring: listTasksQuery,
        response: { ...commonErrors, 200: taskPage },
      },
    },
    async ({ owner, query }) => {
      const found = await tasks.list(owner, taskFilter(query), pageBounds(query));
      return { data: found.tasks.map(listedTaskOf), page_info: describePage(query, found.total) };
    },
  );
};

/** Filter of a list of tasks. Without dates, it selects the last seven days. */
export function taskFilter({ started_at, ended_at, status }: z.infer<typeof listTasksQuery>): TaskFilter {
  const dated = started_at !== undefined || ended_at !== undefined;
  const from = dated ? started_at && utc(started_at) : utc(Date.now() - DEFAULT_PERIOD_MS);
  return { status, from, to: ended_at && utc(ended_at) };
}

/** ISO time in UTC, the format of the rows, which are compared as text. */
function utc(time: string | number): string {
  return new Date(time).toISOString();
}
