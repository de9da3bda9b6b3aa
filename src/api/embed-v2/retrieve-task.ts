import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DIMENSION } from '../../encode/encoder.ts';
import { ReelvecError } from '../../errors.ts';
import type { Task } from '../../tasks/repository.ts';
import { RESULT_TYPES, type ResultFormat, type ResultQuery, resultContent } from '../../tasks/results/formats.ts';
import { resultKey } from '../../tasks/work.ts';
import { COMPRESSION_OF_NUMBERS } from '../compression.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import { validParts } from '../serialize.ts';
import type { EmbedDeps } from './deps.ts';
import { openResult } from './open-result.ts';
import { metadataOf, noSuchTask } from './represent.ts';
import { acceptedFormat } from './result-format.ts';
import { retrievedTask, retrieveTaskQuery, taskParams } from './schemas.ts';
import { streamOf, withData } from './stream.ts';

/** Poll interval of a request that waits for its task, in milliseconds. */
const TASK_POLL_INTERVAL_MS = 200;

interface TaskLookup {
  readonly id: string;
  readonly owner: string;
  /** End of the wait for the task, as `performance.now()`. */
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

  // On shutdown, waiting requests get the task in its current state.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  async function findOrWait({ id, owner, deadline, hungUp }: TaskLookup): Promise<Task> {
    const signal = AbortSignal.any([hungUp, closing.signal]);
    for (;;) {
      const task = await find(id, owner);
      const left = deadline - performance.now();
      if (task.status !== 'processing' || left <= 0 || closing.signal.aborted) return task;
      await sleep(Math.min(TASK_POLL_INTERVAL_MS, left), undefined, { signal }).catch(() => hungUp.throwIfAborted());
    }
  }

  /** Finds a task, with the content of its result if it is ready and `isRead`. */
  async function findWithContent(
    lookup: TaskLookup,
    wish: ResultQuery,
    isRead: (task: Task) => boolean,
  ): Promise<{ task: Task; content?: Readable }> {
    for (;;) {
      const task = await findOrWait(lookup);
      if (task.status !== 'ready' || !isRead(task)) return { task };
      const content = await open(task, wish);
      if (content) return { task, content };
    }
  }

  /** Opens the result. @returns undefined if the result is missing and the task was restarted */
  async function open(task: Task, wish: ResultQuery): Promise<Readable | undefined> {
    const { id, bundle, request } = task;
    const result = {
      blobs,
      key: resultKey(id),
      facts: { task: id, bundle },
      dimension: request.dimension ?? DIMENSION,
    };
    const content = resultContent(result, wish);
    return openResult(deps, task, () =>
      wish.format === 'json' ? withData(validParts(readyFacts, factsOf(task)).valid, content) : streamOf(content),
    );
  }

  app.get(
    '/embed-v2/tasks/:task_id',
    {
      compress: COMPRESSION_OF_NUMBERS,
      schema: {
        operationId: 'retrieveTask',
        summary: 'Retrieve the status of a task and, once it is ready, its embeddings',
        tags: ['embed-v2'],
        params: taskParams,
        querystring: retrieveTaskQuery,
        response: {
          ...commonErrors,
          404: errorBody,
          409: errorBody.describe(
            'The task has no result yet or has failed, and a format other than JSON was requested.',
          ),
          200: retrievedTask,
          304: z.undefined().describe('The result still has an entity tag in `If-None-Match`.'),
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
      const lookup = {
        id: params.task_id,
        owner,
        deadline: performance.now() + query.wait * 1000,
        hungUp: hangUpSignal(reply),
      };
      const isHead = request.method === 'HEAD';
      const isKnown = (task: Task) => isAmong(etagOf(task, wish.format), request.headers['if-none-match']);
      const { task, content } = await findWithContent(lookup, wish, (task) => !isHead && !isKnown(task));
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
      // The reply is typed by the schema's object, but the handler sends a stream of its text.
      const streamed = reply.type(
        `${RESULT_TYPES[wish.format]}${isJson ? '; charset=utf-8' : ''}`,
      ) as unknown as FastifyReply;
      return streamed.send(content ?? Readable.from([]));
    },
  );
};

/** Schema of the fields before `data`. The vectors are streamed and valid by construction. */
const readyFacts = retrievedTask.omit({ data: true });

/** Response fields of a task in any status. */
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

/** Entity tag of a ready task, which never changes. Weak, because compression changes the bytes. */
function etagOf(task: Task, format: ResultFormat): string {
  return `W/"${task.id}-${Date.parse(task.updatedAt)}${format === 'json' ? '' : `-${format}`}"`;
}

/** Error for a result that does not exist, in a format that cannot express a status. */
function notThere(task: Task, format: string): ReelvecError {
  const state =
    task.status === 'failed'
      ? [`has failed: ${task.error?.message}`]
      : ['is still being processed.', ...task.warnings, 'Ask again later, or wait for it with ?wait=60.'];
  const message = `There is no result as ${format}: the task ${task.id} ${state.join(' ')}`;
  return new ReelvecError('conflict', message, { details: { status: task.status } });
}

/** True if an `If-None-Match` header contains the entity tag (RFC 9110, section 13.1.2). */
function isAmong(etag: string, header: string | undefined): boolean {
  return header?.split(',').some((given) => given.trim() === '*' || given.trim() === etag) ?? false;
}
