import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createTask } from '../../tasks/create.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { createTaskBody } from './createTaskBody.ts';
import type { EmbedDeps } from './deps.ts';
import { createdTask } from './schemas.ts';
import { toTaskRequest } from './taskRequest.ts';

/** 36 MB of media are 48 MB of base64; the rest is for what stands around it. */
const BODY_LIMIT = 52 * 1024 ** 2;

export const createTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  app.post(
    '/embed-v2/tasks',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'Create an embedding task',
        tags: ['embed-v2'],
        body: createTaskBody(deps.bundle),
        response: {
          ...commonErrors,
          413: errorBody,
          202: createdTask.describe('The task was stored. `Location` is where to poll it.'),
        },
      },
    },
    async (request, reply) => {
      const { owner } = request;
      const task = await createTask(deps, { owner, ...toTaskRequest(request.body, deps.bundle) }, hangUpSignal(reply));
      request.event.taskId = task.id;
      const base = deps.publicUrl?.replace(/\/+$/, '') ?? `${request.protocol}://${request.host}`;
      reply.header('location', `${base}${request.routeOptions.url}/${task.id}`);
      return reply.code(202).send({ _id: task.id, status: 'processing', data: null });
    },
  );
};
