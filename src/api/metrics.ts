import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { type AuthDeps, requireKey } from './auth.ts';

/** Upper edges in seconds: from an answer out of the database to a client that waits a minute for its task. */
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** `/metrics` for Prometheus: the process, and how long requests took. Asks for a key, say as a bearer token. */
export async function installMetrics(app: FastifyInstance, deps: AuthDeps): Promise<void> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const seconds = new Histogram({
    name: 'reelvec_http_request_seconds',
    help: 'Time from the arrival of a request to the end of its response',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [register],
  });
  app.addHook('onResponse', async (request, reply) => {
    // The pattern, not the path: one series for a route, however many tasks there are.
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode };
    seconds.observe(labels, reply.elapsedTime / 1000);
  });
  await app.register(async (scope) => {
    requireKey(scope, deps);
    const schema = { tags: ['operations'], summary: 'Metrics in the text format of Prometheus' };
    scope.get('/metrics', { schema }, async (_, reply) =>
      reply.type(register.contentType).send(await register.metrics()),
    );
  });
}
