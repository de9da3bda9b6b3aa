import type { FastifyReply } from 'fastify';

/**
 * Aborts when the client goes away before it has its answer. Not Fastify's `request.signal`: that one aborts as soon
 * as the request's body has been read.
 */
export function hangUpSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('The client hung up.'));
  });
  return controller.signal;
}
