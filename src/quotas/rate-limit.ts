import { ReelvecError } from '../errors.ts';

/** How one of the things stands of which a key may have so many in a time, or at a time. */
export interface RateLimit {
  readonly dimension: 'Duration' | 'Task';
  /** Seconds of media; or tasks. */
  readonly limit: number;
  readonly used: number;
  /** When `used` falls to 0, in milliseconds since 1970; absent where it does not do so at a time. */
  readonly resetAt?: number;
}

/** A limit was hit: nothing was done. */
export class RateLimited extends ReelvecError {
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
