import { ReelvecError } from '../errors.ts';

/** Usage of a rate-limited dimension by a key. */
export interface RateLimit {
  readonly dimension: 'Duration' | 'Task';
  /** Seconds of media, or number of tasks. */
  readonly limit: number;
  readonly used: number;
  /** Time at which `used` is reset to 0, in milliseconds since 1970; undefined for concurrent tasks. */
  readonly resetAt?: number;
}

/** A rate limit refused the request, which had no effect. */
export class RateLimited extends ReelvecError {
  /** All limited dimensions, for the response headers. */
  readonly limits: readonly RateLimit[];

  constructor(
    message: string,
    {
      exceeded,
      limits,
      retryAfterSec,
    }: { exceeded: RateLimit; limits: readonly (RateLimit | undefined)[]; retryAfterSec: number },
  ) {
    const { dimension, limit } = exceeded;
    super('too_many_requests', message, { retryAfterSec, details: { dimension, limit } });
    this.limits = limits.filter((one) => one !== undefined);
  }
}
