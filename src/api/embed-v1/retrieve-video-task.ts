import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { embeddingsJson, type RowNames } from '../../tasks/results/json.ts';
import { readResult } from '../../tasks/results/results.ts';
import { resultKey } from '../../tasks/work.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { openResult } from '../embed-v2/open-result.ts';
import { taskParams } from '../embed-v2/schemas.ts';
import { between } from '../embed-v2/stream.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { validParts } from '../serialize.ts';
import { requireVideoTask, videoTaskOf } from './represent.ts';
import { NAMES_OF_SCOPES, retrievedVideoTask, retrieveVideoTaskQuery, videoTask } from './schemas.ts';

const NAMES: RowNames = {
  vector: 'float',
  start: 'start_offset_sec',
  end: 'end_offset_sec',
  scopes: NAMES_OF_SCOPES,
};

export const retrieveVideoTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  const { tasks, blobs } = deps;

  app.get(
    '/embed/tasks/:task_id',
    {
      compress: COMPRESSION_OF_NUMBERS,
      schema: {
        operationId: 'retrieveVideoTask',
        summary: 'Retrieve a video embedding task and, once it is ready, its embeddings',
        tags: ['embed'],
        params: taskParams,
        querystring: retrieveVideoTaskQuery,
        response: { ...commonErrors, 404: errorBody, 200: retrievedVideoTask },
      },
    },
    async (request, reply) => {
      const { owner, params, query } = request;
      const id = params.task_id;
      request.event.taskId = id;
      for (;;) {
        const task = requireVideoTask(await tasks.get(id, owner), id);
        if (task.status !== 'ready') return reply.send(videoTaskOf(task));
        const rows = readResult(blobs, resultKey(id), { options: query.embedding_option });
        const { valid } = validParts(videoTask, videoTaskOf(task));
        const { video_embedding, ...facts } = valid;
        const head =
          `${JSON.stringify(facts).slice(0, -1)},"video_embedding":{` +
          `"metadata":${JSON.stringify(video_embedding?.metadata ?? {})},"segments":`;
        const segments = embeddingsJson(rows, { vectors: true, names: NAMES });
        const content = await openResult(deps, task, () => between(head, segments, '}}'));
        // Without content, the task was restarted and is processing.
        if (!content) continue;
        if (/^[\x20-\x7e]+$/.test(task.bundle)) reply.header('reelvec-bundle', task.bundle);
        // The reply is typed by the schema's object, but the handler sends a stream of its text.
        return (reply.type('application/json; charset=utf-8') as unknown as FastifyReply).send(content);
      }
    },
  );
};
