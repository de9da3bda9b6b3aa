import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ReelvecError } from '../errors.ts';

/** Seconds in `Retry-After`. A body is in memory for the duration of its request: about a second to create a task. */
const RETRY_AFTER_SEC = 2;

/**
 * Limits the bytes of JSON bodies in memory at once, in total and per key. One key can use half of the budget. A body
 * counts from before it is read until its request ends, with its `Content-Length` or else the body limit of its route.
 * Uploads stream to the blob store and do not count.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #byOwner = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reserves bytes of the budget.
   * @returns function that releases the bytes
   * @throws {ReelvecError} `too_many_requests`
   */
  take(owner: string, bytes: number): () => void {
    const own = this.#byOwner.get(owner) ?? 0;
    // The first body of a key always passes, so that a small budget does not exclude large bodies.
    const isOverOwn = own > 0 && own + bytes > this.#maxBytes / 2;
    const isOver = this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes;
    if (isOverOwn || isOver) throw tooManyBytes(isOverOwn ? 'this key' : 'this server', own);
    this.#add(owner, bytes);
    return () => this.#add(owner, -bytes);
  }

  #add(owner: string, bytes: number): void {
    this.#bytes += bytes;
    const own = (this.#byOwner.get(owner) ?? 0) + bytes;
    if (own > 0) this.#byOwner.set(owner, own);
    else this.#byOwner.delete(owner);
  }
}

/** Applies the budget to the JSON bodies of all routes registered on `app`. Expects `request.owner`. */
export function limitBodies(app: FastifyInstance, budget: BodyBudget): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (!isBuffered(request)) return payload;
    const limit = request.routeOptions.bodyLimit ?? 0;
    const declared = Number(request.headers['content-length'] ?? limit);
    // A body over the limit is not read: it gets 413.
    if (declared <= limit) reply.raw.once('close', budget.take(request.owner, declared));
    return payload;
  });
}

/** True for a body that is parsed in memory. Forms are streamed, and JSON is the only other type with a parser. */
function isBuffered({ headers }: FastifyRequest): boolean {
  return /^\s*application\/json\b/i.test(headers['content-type'] ?? '');
}

function tooManyBytes(holder: string, ownBytes: number): ReelvecError {
  return new ReelvecError(
    'too_many_requests',
    `Too many request bodies are being read for ${holder} at once. Send this one again when others are answered; ` +
      'media that is sent as an asset (POST /assets) does not count.',
    { details: { bytes_in_flight: ownBytes }, retryAfterSec: RETRY_AFTER_SEC },
  );
}
