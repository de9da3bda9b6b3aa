import type { FastifyInstance } from 'fastify';

/**
 * Closes each connection with the response it gets during shutdown. Otherwise the app would wait for connections that
 * become idle after the shutdown began, until the client drops them.
 */
export function closeConnectionsOnShutdown(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}
