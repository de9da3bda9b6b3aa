import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { BlobNotFound } from '../../blobs/store.ts';
import { DIMENSION } from '../../encode/encoder.ts';
import { ReelvecError } from '../../errors.ts';
import { rebuildResult } from '../../tasks/lost-result.ts';
import type { Task } from '../../tasks/repository.ts';
import { RESULT_TYPES, type ResultFormat, type ResultQuery, resultContent } from '../../tasks/results/formats.ts';
import { resultKey } from '../../tasks/work.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { validParts } from '../serialize.ts';
import type { EmbedDeps } from './deps.ts';
import { metadataOf, noSuchTask } from './represent.ts';
import { acceptedFormat } from './result-format.ts';
import { retrievedTask, retrieveTaskQuery, taskId } from './schemas.ts';
import { streamOf, withData } from './stream.ts';

/** How often a waiting request looks at its task, in milliseconds. */
const TASK_POLL_INTERVAL_MS = 200;

interface Wanted {
  readonly id: string;
  readonly owner: string;
  /** Until when to wait for the end of the task, by `performance.now()`. */
  readonly deadline: number;
  readonly hungUp: AbortSignal;
}

export const retrieveTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  const { tasks, blobs } = deps;

  async function find(id: string, owner: string): Promise<Task> {
    const task = await tasks.get(id, owner);
    if (!task) throw noSuchTask(id);
    return task;
  }

  // A server that stops does not wait for those who wait: they get the task as it is.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  async function findOrWait({ id, owner, deadline, hungUp }: Wanted): Promise<Task> {
    const signal = AbortSignal.any([hungUp, closing.signal]);
    for (;;) {
      const task = await find(id, owner);
      const left = deadline - performance.now();
      if (task.status !== 'processing' || left <= 0 || closing.signal.aborted) return task;
      await sleep(Math.min(TASK_POLL_INTERVAL_MS, left), undefined, { signal }).catch(() => hungUp.throwIfAborted());
    }
  }

  /** A task, and the content of its result if that is ready and `isRead`. */
  async function findWithContent(
    wanted: Wanted,
    wish: ResultQuery,
    isRead: (task: Task) => boolean,
  ): Promise<{ task: Task; content?: Readable }> {
    for (;;) {
      const task = await findOrWait(wanted);
      if (task.status !== 'ready' || !isRead(task)) return { task };
      const content = await open(task, wish);
      if (content) return { task, content };
    }
  }

  /** @returns undefined when the result was lost: the task is back at work then */
  async function open(task: Task, wish: ResultQuery): Promise<Readable | undefined> {
    const { id, owner, bundle, request } = task;
    const result = {
      blobs,
      key: resultKey(id),
      facts: { task: id, bundle },
      dimension: request.dimension ?? DIMENSION,
    };
    const content = resultContent(result, wish);
    try {
      return await (wish.format === 'json'
        ? withData(validParts(readyFacts, factsOf(task)).valid, content)
        : streamOf(content));
    } catch (error) {
      const { status } = await find(id, owner); // deleted meanwhile, it is not found rather than broken
      if (!(error instanceof BlobNotFound)) throw error;
      if (status === 'ready') await rebuildResult(deps, task);
      return undefined;
    }
  }

  app.get(
    '/embed-v2/tasks/:task_id',
    {
      compress: COMPRESSION_OF_NUMBERS,
      schema: {
        operationId: 'retrieveTask',
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
      const wish = {
        format: query.format ?? acceptedFormat(request.headers.accept),
        filter: { options: query.embedding_option, scopes: query.embedding_scope },
        vectors: query.embeddings ?? true,
      };
      const wanted = {
        id: params.task_id,
        owner,
        deadline: performance.now() + query.wait * 1000,
        hungUp: hangUpSignal(reply),
      };
      const isHead = request.method === 'HEAD';
      const isKnown = (task: Task) => isAmong(etagOf(task, wish.format), request.headers['if-none-match']);
      const { task, content } = await findWithContent(wanted, wish, (task) => !isHead && !isKnown(task));
      reply.header('vary', 'accept');
      if (task.status !== 'ready' && wish.format !== 'json') throw notThere(task, wish.format);
      if (task.status === 'processing') {
        const progress = { fraction: await tasks.progress(task.id), stage: task.stage };
        return reply.send({ ...factsOf(task), progress, data: null });
      }
      if (task.status === 'failed') return reply.send({ ...factsOf(task), data: null });
      if (/^[\x20-\x7e]+$/.test(task.bundle)) reply.header('reelvec-bundle', task.bundle);
      reply.header('etag', etagOf(task, wish.format)).header('cache-control', 'private, no-cache');
      if (isKnown(task)) return reply.code(304).send();
      const isJson = wish.format === 'json';
      if (!isJson) reply.header('content-disposition', `attachment; filename="${task.id}.${wish.format}"`);
      // The type of the schema is that of the text, not of the stream that it comes as.
      const streamed = reply.type(
        `${RESULT_TYPES[wish.format]}${isJson ? '; charset=utf-8' : ''}`,
      ) as unknown as FastifyReply;
      return streamed.send(content ?? Readable.from([]));
    },
  );
};

/** What stands before the vectors, which are streamed and fit their schema by construction. */
const readyFacts = retrievedTask.omit({ data: true });

/** What the answer says of a task, whatever its status. */
function factsOf(task: Task) {
  return {
    _id: task.id,
    status: task.status,
    created_at: task.createdAt,
    updated_at: task.updatedAt,
    metadata: metadataOf(task),
    error: task.error,
    warnings: [...task.warnings],
  };
}

/** What is ready stays as it is. Weak: compressed, the same answer has other bytes. */
function etagOf(task: Task, format: ResultFormat): string {
  return `W/"${task.id}-${Date.parse(task.updatedAt)}${format === 'json' ? '' : `-${format}`}"`;
}

/** A result in a format that has no place for a status. */
function notThere(task: Task, format: string): ReelvecError {
  const state = task.status === 'failed' ? `has failed: ${task.error?.message}` : 'is still being processed';
  const advice = task.status === 'failed' ? [] : [...task.warnings, 'Ask again later, or wait for it with ?wait=60.'];
  const message = [`There is no result as ${format}: the task ${task.id} ${state}.`, ...advice].join(' ');
  return new ReelvecError('conflict', message, { details: { status: task.status } });
}

/** Whether an entity tag is one of those in an `If-None-Match` header (RFC 9110, section 13.1.2). */
function isAmong(etag: string, header: string | undefined): boolean {
  return header?.split(',').some((given) => given.trim() === '*' || given.trim() === etag) ?? false;
}
