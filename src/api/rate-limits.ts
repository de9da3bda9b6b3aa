import type { FastifyReply } from 'fastify';
import type { RateLimit } from '../quotas/rate-limit.ts';

/** Sets the `X-Ratelimit-*` headers of a key, with the names of the TwelveLabs API. */
export function setRateLimits(reply: FastifyReply, limits: readonly RateLimit[]): void {
  if (limits.length === 0) return;
  reply.header('x-ratelimit-dimensions', limits.map(({ dimension }) => dimension).join(','));
  for (const { dimension, limit, used, resetAt } of limits) {
    const name = `x-ratelimit-${dimension.toLowerCase()}`;
    reply.header(`${name}-limit`, Math.floor(limit));
    reply.header(`${name}-used`, Math.ceil(used));
    reply.header(`${name}-remaining`, Math.max(0, Math.floor(limit - used)));
    if (resetAt !== undefined) reply.header(`${name}-reset`, Math.floor(resetAt / 1000));
  }
}
