import type { FastifyReply } from 'fastify';

/**
 * Signal that aborts when the client disconnects before the response is complete. Fastify's `request.signal` does not
 * serve: it aborts as soon as the request body has been read.
 */
export function hangUpSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('The client hung up.'));
  });
  return controller.signal;
}
