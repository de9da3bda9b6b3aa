import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueLength } from '../jobs/engine.ts';
import { type AuthDeps, requireKey } from './auth.ts';

/** Histogram bucket bounds in seconds: from a database read to a client that waits a minute for its task. */
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** Workflows reported as 0 from the start, because autoscalers cannot use a missing series. */
const WORKFLOWS = ['embed-task', 'embed-chunk', 'prepare-asset'];

export interface MetricsDeps {
  /** Waiting and running work on all nodes. */
  readonly queue?: () => Promise<readonly QueueLength[]>;
  /** Total busy seconds of this node's media workers, by job kind. */
  readonly mediaSeconds?: () => ReadonlyMap<string, number>;
}

/**
 * Registers `/metrics` for Prometheus: process metrics, request durations and queue lengths. Requires an API key, which
 * Prometheus sends as a bearer token.
 */
export async function installMetrics(app: FastifyInstance, deps: AuthDeps & MetricsDeps): Promise<void> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const seconds = new Histogram({
    name: 'reelvec_http_request_seconds',
    help: 'Time from the arrival of a request to the end of its response',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [register],
  });
  const { queue, mediaSeconds } = deps;
  if (mediaSeconds) {
    new Counter({
      name: 'reelvec_media_seconds_total',
      help: 'Time that media workers have spent on jobs; divided by their number, how busy they are',
      labelNames: ['kind'],
      registers: [register],
      collect() {
        this.reset();
        for (const [kind, seconds] of mediaSeconds()) this.inc({ kind }, seconds);
      },
    });
  }
  if (queue) {
    new Gauge({
      name: 'reelvec_queue_length',
      help: 'Runs of durable work on all nodes: those that wait, and those that are worked on',
      labelNames: ['workflow', 'state'],
      registers: [register],
      async collect() {
        this.reset();
        // Without the database, the other metrics are still reported.
        const lengths = await queue().catch(() => undefined);
        if (!lengths) return;
        for (const name of WORKFLOWS)
          for (const state of ['waiting', 'running']) this.set({ workflow: name, state }, 0);
        for (const { workflow, waiting, running } of lengths) {
          this.set({ workflow, state: 'waiting' }, waiting);
          this.set({ workflow, state: 'running' }, running);
        }
      },
    });
  }
  app.addHook('onResponse', async (request, reply) => {
    // The route pattern, not the path, so that there is one series per route.
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode };
    seconds.observe(labels, reply.elapsedTime / 1000);
  });
  await app.register(async (scope) => {
    requireKey(scope, deps);
    const schema = {
      operationId: 'metrics',
      tags: ['operations'],
      summary: 'Metrics in the text format of Prometheus',
    };
    scope.get('/metrics', { schema }, async (_, reply) =>
      reply.type(register.contentType).send(await register.metrics()),
    );
  });
}
