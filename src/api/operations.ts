import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { isReelvecError, ReelvecError } from '../errors.ts';
import { errorBody } from './errors.ts';

export interface OperationsDeps {
  /** Readiness check; rejects with the reason. */
  readonly ready: () => Promise<void>;
  /** Bundle that makes the vectors, and the device of its models. */
  readonly serving?: { readonly bundle: string; readonly device?: string };
  /** Aborted when the server starts to drain: it still works, but load balancers should choose another node. */
  readonly draining?: AbortSignal;
}

const status = z.object({ status: z.literal('ok') });
const readiness = status.extend({
  bundle: z.string().optional().describe('name and revision of the bundle that makes the vectors'),
  device: z.string().optional().describe('device of the models, if this server runs any'),
});

/** Registers `/healthz` (liveness) and `/readyz` (readiness). They need no key. */
export function operationsRoutes(app: FastifyInstance, { ready, serving, draining }: OperationsDeps): void {
  const describe = (operationId: string, summary: string) => ({
    operationId,
    tags: ['operations'],
    security: [],
    summary,
  });
  app.get(
    '/healthz',
    { schema: { ...describe('health', 'Check that the server is alive'), response: { 200: status } } },
    () => ({
      status: 'ok',
    }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        ...describe('readiness', 'Check that the server can work'),
        response: { 200: readiness, 503: errorBody },
      },
    },
    async () => {
      if (draining?.aborted) throw new ReelvecError('service_unavailable', 'The server is about to stop. Ask another.');
      await ready().catch((cause) => {
        if (isReelvecError(cause)) throw cause;
        throw new ReelvecError('service_unavailable', 'The server cannot work right now. Its log says why.', { cause });
      });
      return { status: 'ok', ...serving };
    },
  );
}
