import type { FastifyInstance } from 'fastify';

/**
 * Ends connections with the answers that are given while the app closes: those that become idle only then would be
 * waited for until the client drops them.
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
