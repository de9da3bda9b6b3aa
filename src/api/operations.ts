import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ReelvecError } from '../errors.ts';
import { errorBody } from './errors.ts';

export interface OperationsDeps {
  /** Rejects while the server cannot work, with the reason. */
  readonly ready: () => Promise<void>;
  /** Aborted when the server is about to stop: it works on, but others should be asked. */
  readonly draining?: AbortSignal;
}

const status = z.object({ status: z.literal('ok') });

/** `/healthz`: the process lives. `/readyz`: it can work. No key is asked for. */
export function operationsRoutes(app: FastifyInstance, { ready, draining }: OperationsDeps): void {
  const describe = (summary: string) => ({ tags: ['operations'], security: [], summary });
  app.get('/healthz', { schema: { ...describe('Whether the server lives'), response: { 200: status } } }, () => ({
    status: 'ok',
  }));
  app.get(
    '/readyz',
    { schema: { ...describe('Whether the server can work'), response: { 200: status, 503: errorBody } } },
    async () => {
      if (draining?.aborted) throw new ReelvecError('service_unavailable', 'The server is about to stop. Ask another.');
      await ready().catch((cause) => {
        throw new ReelvecError('service_unavailable', 'The server cannot work right now. Its log says why.', { cause });
      });
      return { status: 'ok' };
    },
  );
}
