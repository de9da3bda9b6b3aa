import type { FastifyInstance, HTTPMethods } from 'fastify';
import { ReelvecError } from '../errors.ts';

/** Methods that get 405 on a known path. */
const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Answers 405 with `Allow` instead of Fastify's 404 for paths that exist with another method.
 * @returns function that registers the 405 routes; call it after all other routes are registered
 */
export function trackMethods(app: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    if (!allowed.has(url)) allowed.set(url, new Set());
    for (const name of [method].flat()) allowed.get(url)!.add(name);
  });
  return () => {
    for (const [url, known] of [...allowed]) {
      const others = METHODS.filter((method) => !known.has(method));
      if (others.length === 0 || url.includes('*')) continue;
      const allow = [...known].join(', ');
      app.route({
        method: others,
        url,
        schema: { hide: true },
        handler: async (request, reply) => {
          reply.header('allow', allow);
          throw new ReelvecError('method_not_allowed', `${request.method} is not possible here. Allowed: ${allow}.`);
        },
      });
    }
  };
}
