import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Log event of the request, filled by handlers and written once at its end. */
    event: Record<string, unknown>;
  }
}

/** Routes polled by monitoring. They are logged at debug level unless they fail. */
const POLLED_ROUTES = new Set(['/healthz', '/readyz', '/metrics']);

/** Sets `x-request-id` on every response, and writes one log event per request. */
export function installRequestLog(app: FastifyInstance): void {
  const written = new WeakSet<FastifyRequest>();
  const writeOnce = (request: FastifyRequest, reply: FastifyReply, more?: object) => {
    if (!written.has(request)) write(request, reply, more);
    written.add(request);
  };
  app.decorateRequest('event', null as unknown as Record<string, unknown>);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    request.event = {};
    // onResponse does not run if the client disconnects.
    reply.raw.once('close', () => writeOnce(request, reply, { hungUp: true }));
  });
  app.addHook('onResponse', async (request, reply) => writeOnce(request, reply));
}

function write(request: FastifyRequest, reply: FastifyReply, more: object = {}): void {
  const route = request.routeOptions.url;
  const event = {
    method: request.method,
    route: route ?? request.url.split('?', 1)[0],
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    ...request.event,
    ...more,
  };
  if (reply.statusCode >= 500) request.log.error(event, 'request');
  else if (route && POLLED_ROUTES.has(route)) request.log.debug(event, 'request');
  else request.log.info(event, 'request');
}
