import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log says of this request, filled along the way and written once at its end. */
    event: Record<string, unknown>;
  }
}

/** Asked every few seconds by whatever watches the server; worth a line only when they fail. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

/** Gives every response its `x-request-id`, and writes one log event for each request. */
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
    // A client that hangs up never gets a response, and would leave no trace.
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
  else if (route && QUIET.has(route)) request.log.debug(event, 'request');
  else request.log.info(event, 'request');
}
