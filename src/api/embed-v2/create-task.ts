import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { OnCreated } from '../../database/open.ts';
import { createImageTask } from '../../queries/image-task.ts';
import type { QuotaLimits } from '../../quotas/quotas.ts';
import { createTask } from '../../tasks/create.ts';
import type { Task } from '../../tasks/repository.ts';
import { baseUrl } from '../base-url.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { createOnce, idempotencyHeaders } from '../idempotency.ts';
import { setRateLimits } from '../rate-limits.ts';
import { createTaskBodies } from './create-task-body.ts';
import type { EmbedDeps } from './deps.ts';
import { TASK_EXAMPLES } from './examples.ts';
import { bodySchema, validateByModel } from './model-names.ts';
import { createdTask } from './schemas.ts';
import { toImageRequest, toTaskRequest } from './task-request.ts';
import { toQuerySource } from './vector-query.ts';

/** Body limit in bytes: 48 MB of base64 for 36 MB of media, plus 4 MB for the other fields. */
export const BODY_LIMIT = 52 * 1024 ** 2;

type Body = z.infer<ReturnType<typeof createTaskBodies>['first' | 'second']>;

export const createTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  const bodies = createTaskBodies(deps);

  app.post(
    '/embed-v2/tasks',
    {
      validatorCompiler: validateByModel(deps, bodies),
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: 'create',
        summary: 'Create an embedding task',
        tags: ['embed-v2'],
        headers: idempotencyHeaders,
        body: bodySchema(deps, bodies, TASK_EXAMPLES),
        response: {
          ...commonErrors,
          409: errorBody,
          413: errorBody,
          429: errorBody,
          202: createdTask.describe('The task was stored. `Location` is where to poll it.'),
        },
      },
    },
    async (request, reply) => {
      const { owner } = request;
      const quota = deps.quotas.limits(request.quotas);
      const operation = {
        content: request.body,
        answer: (task: Task) => ({ _id: task.id, status: 'processing' as const, data: null }),
      };
      const answer = await createOnce(deps.idempotency, { request, reply }, operation, (onCreated) =>
        create({ owner, quota, body: request.body }, { signal: hangUpSignal(reply), onCreated }),
      );
      request.event.taskId = answer._id;
      setRateLimits(reply, await deps.quotas.rates(owner, quota));
      reply.header('location', `${baseUrl(request, deps.publicUrl)}${request.routeOptions.url}/${answer._id}`);
      return reply.code(202).send(answer);
    },
  );

  function create(
    { owner, quota, body }: { owner: string; quota: QuotaLimits; body: Body },
    context: { signal: AbortSignal; onCreated?: OnCreated<Task> },
  ): Promise<Task> {
    if (body.input_type === 'image') {
      const source = toQuerySource(body.image!.media_source);
      return createImageTask(deps, { owner, request: toImageRequest(body, deps.bundle), source }, context);
    }
    const media = { ...body, input_type: body.input_type };
    return createTask(deps, { owner, quota, ...toTaskRequest(media, deps.bundle) }, context);
  }
};
