import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ReelvecError } from '../../errors.ts';
import { type Position, type TaskEvent, taskEvents } from '../../tasks/events.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { hangUpSignal } from '../hang-up.ts';
import type { EmbedDeps } from './deps.ts';
import { noSuchTask } from './represent.ts';
import { taskParams } from './schemas.ts';

/** Idle time before a comment is sent, in milliseconds, because proxies close silent connections. */
const HEARTBEAT_MS = 15_000;
/** Reconnection delay of the client in milliseconds. */
const RETRY_MS = 1000;

export const followTaskRoute: FastifyPluginAsyncZod<EmbedDeps> = async (app, { tasks }) => {
  // Shutdown ends the streams. Clients resume from their last event, here or on another node.
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  app.get(
    '/embed-v2/tasks/:task_id/events',
    {
      // A compressor would buffer events.
      compress: false,
      schema: {
        operationId: 'followTask',
        summary: 'Follow a task as server-sent events: progress, segment, and at the end ready or failed',
        tags: ['embed-v2'],
        params: taskParams,
        headers: z.object({
          'last-event-id': z.string().optional().describe('resumes after the event with this id'),
        }),
        response: {
          ...commonErrors,
          404: errorBody,
          200: z.string().describe('text/event-stream'),
          204: z.undefined().describe('The last event was the end of the task: there is no more to come.'),
        },
      },
    },
    async (request, reply) => {
      const { owner, params, headers } = request;
      const { task_id: id } = params;
      request.event.taskId = id;
      const from = parseEventId(headers['last-event-id']);
      if (!(await tasks.get(id, owner))) throw noSuchTask(id);
      if (from === 'end') return reply.code(204).send();
      const signal = AbortSignal.any([hangUpSignal(reply), closing.signal]);
      reply.header('cache-control', 'no-store').header('x-accel-buffering', 'no');
      // The reply is typed by the schema's string, but the handler sends a stream.
      const streamed = reply.type('text/event-stream; charset=utf-8') as unknown as FastifyReply;
      if (request.method === 'HEAD') return streamed.send(Readable.from([]));
      return streamed.send(Readable.from(eventStream(taskEvents(tasks, id, { from, signal }), signal)));
    },
  );
};

/** Server-sent event text, with heartbeat comments while there are no events (HTML Living Standard, 9.2). */
async function* eventStream(events: AsyncGenerator<TaskEvent>, signal: AbortSignal): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`;
  try {
    let next = events.next();
    for (;;) {
      const silence = Promise.withResolvers<'silence'>();
      const timer = setTimeout(() => silence.resolve('silence'), HEARTBEAT_MS);
      const result = await Promise.race([next, silence.promise]).finally(() => clearTimeout(timer));
      if (result === 'silence') {
        yield ': still here\n\n';
        continue;
      }
      if (result.done || signal.aborted) return;
      yield text(result.value);
      next = events.next();
    }
  } finally {
    await events.return(undefined);
  }
}

function text(event: TaskEvent): string {
  const isEnd = event.type === 'ready' || event.type === 'failed';
  const id = isEnd ? 'end' : event.position.join('.');
  return `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(dataOf(event))}\n\n`;
}

function dataOf(event: TaskEvent): object {
  if (event.type === 'segment') return { start_sec: event.startSec, end_sec: event.endSec };
  if (event.type === 'progress') return { fraction: event.fraction, stage: event.stage };
  const { task } = event;
  return { _id: task.id, status: task.status, warnings: task.warnings, ...(task.error && { error: task.error }) };
}

/** Parses a `Last-Event-ID`. @throws {ReelvecError} for an invalid id */
function parseEventId(id: string | undefined): Position | 'end' {
  if (id === undefined || id === '') return [];
  if (id === 'end') return 'end';
  if (/^\d{1,6}(\.\d{1,6}){0,999}$/.test(id)) return id.split('.').map(Number);
  throw new ReelvecError(
    'parameter_invalid',
    'Last-Event-ID is none that an event of a task had. Send the id of the last event, or leave it out.',
    { details: { field: 'Last-Event-ID' } },
  );
}
