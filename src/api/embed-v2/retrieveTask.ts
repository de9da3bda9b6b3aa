import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DIMENSION } from '../../encode/encoder.ts';
import { ReelvecError } from '../../errors.ts';
import type { Task } from '../../tasks/repository.ts';
import { RESULT_TYPES, resultContent } from '../../tasks/results-formats.ts';
import { resultKey } from '../../tasks/work.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import type { EmbedDeps } from './deps.ts';
import { metadataOf, noSuchTask } from './represent.ts';
import { acceptedFormat } from './result-format.ts';
import { retrievedTask, retrieveTaskQuery, taskId } from './schemas.ts';
import { streamOf, withData } from './stream.ts';

/** How often a waiting request looks at its task, in milliseconds. */
const LOOK_EVERY_MS = 200;

export const retrieveTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks, blobs }) => {
  async function find(id: string, owner: string): Promise<Task> {
    const task = await tasks.get(id, owner);
    if (!task) throw noSuchTask(id);
    return task;
  }

  // A server that stops does not wait for those who wait: they get the task as it is.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  async function findOrWait(id: string, owner: string, waitSec: number, hungUp: AbortSignal): Promise<Task> {
    const deadline = performance.now() + waitSec * 1000;
    const signal = AbortSignal.any([hungUp, closing.signal]);
    for (;;) {
      const task = await find(id, owner);
      const left = deadline - performance.now();
      if (task.status !== 'processing' || left <= 0 || closing.signal.aborted) return task;
      await sleep(Math.min(LOOK_EVERY_MS, left), undefined, { signal }).catch(() => hungUp.throwIfAborted());
    }
  }

  app.get(
    '/embed-v2/tasks/:task_id',
    {
      compress: COMPRESSION_OF_NUMBERS,
      schema: {
        summary: 'Retrieve the status of a task and, once it is ready, its embeddings',
        tags: ['embed-v2'],
        params: taskId,
        querystring: retrieveTaskQuery,
        response: {
          ...commonErrors,
          404: errorBody,
          409: errorBody.describe(
            'The task has no result yet, or has failed, and another format than JSON was asked for.',
          ),
          200: retrievedTask,
          304: z.undefined().describe('As `If-None-Match` has it.'),
        },
      },
    },
    async (request, reply) => {
      const { owner, params, query } = request;
      request.event.taskId = params.task_id;
      const task = await findOrWait(params.task_id, owner, query.wait, hangUpSignal(reply));
      const facts = {
        _id: task.id,
        status: task.status,
        created_at: task.createdAt,
        updated_at: task.updatedAt,
        metadata: metadataOf(task),
        error: task.error,
        warnings: [...task.warnings],
      };
      const wish = {
        format: query.format ?? acceptedFormat(request.headers.accept),
        filter: { options: query.embedding_option, scopes: query.embedding_scope },
        vectors: query.embeddings ?? true,
      };
      reply.header('vary', 'accept');
      if (task.status !== 'ready' && wish.format !== 'json') throw notThere(task, wish.format);
      if (task.status === 'processing') {
        const progress = { fraction: await tasks.progress(task.id), stage: task.stage };
        return reply.send({ ...facts, progress, data: null });
      }
      if (task.status === 'failed') return reply.send({ ...facts, data: null });
      // What is ready stays as it is. Weak: compressed, the same answer has other bytes.
      const variant = wish.format === 'json' ? '' : `-${wish.format}`;
      const etag = `W/"${task.id}-${Date.parse(task.updatedAt)}${variant}"`;
      reply.header('reelvec-bundle', task.bundle);
      reply.header('etag', etag).header('cache-control', 'private, no-cache');
      if (isAmong(etag, request.headers['if-none-match'])) return reply.code(304).send();
      const isJson = wish.format === 'json';
      if (!isJson) reply.header('content-disposition', `attachment; filename="${task.id}.${wish.format}"`);
      // The type of the schema is that of the text, not of the stream that it comes as.
      const streamed = reply.type(
        `${RESULT_TYPES[wish.format]}${isJson ? '; charset=utf-8' : ''}`,
      ) as unknown as FastifyReply;
      if (request.method === 'HEAD') return streamed.send(Readable.from([]));
      const result = {
        blobs,
        key: resultKey(task.id),
        facts: { task: task.id, bundle: task.bundle },
        dimension: task.request.dimension ?? DIMENSION,
      };
      const content = resultContent(result, wish);
      const stream = await (isJson ? withData(facts, content) : streamOf(content)).catch(async (error) => {
        await find(task.id, owner); // deleted meanwhile, it is not found rather than broken
        throw error;
      });
      return streamed.send(stream);
    },
  );
};

/** A result in a format that has no place for a status. */
function notThere(task: Task, format: string): ReelvecError {
  const state = task.status === 'failed' ? `has failed: ${task.error?.message}` : 'is still being processed';
  const advice = task.status === 'failed' ? '' : ' Ask again later, or wait for it with ?wait=60.';
  return new ReelvecError('conflict', `There is no result as ${format}: the task ${task.id} ${state}.${advice}`, {
    details: { status: task.status },
  });
}

/** Whether an entity tag is one of those in an `If-None-Match` header (RFC 9110, section 13.1.2). */
function isAmong(etag: string, header: string | undefined): boolean {
  return header?.split(',').some((given) => given.trim() === '*' || given.trim() === etag) ?? false;
}
