import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ReelvecError } from '../errors.ts';

/** A body is held for as long as its request takes: about a second for one that creates a task. */
const RETRY_AFTER_SEC = 2;

/**
 * Bounds the bytes of JSON bodies that are held in memory at once, in all and for each key; one key can have half.
 * A body counts from before it is read until its request is over, by its `Content-Length`, or as the largest that its
 * route takes. Uploads stream to the blob store and do not count.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #byOwner = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns gives the bytes back
   * @throws too_many_requests
   */
  take(owner: string, bytes: number): () => void {
    const own = this.#byOwner.get(owner) ?? 0;
    // The first body of a key passes in any case, so that a small budget does not forbid large bodies altogether.
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

/** Holds JSON bodies of the routes that are registered on `app` to a budget. Expects `request.owner`. */
export function limitBodies(app: FastifyInstance, budget: BodyBudget): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (!isHeld(request)) return payload;
    const limit = request.routeOptions.bodyLimit ?? 0;
    const declared = Number(request.headers['content-length'] ?? limit);
    // Nothing is read of what is too large: it is answered with 413.
    if (declared <= limit) reply.raw.once('close', budget.take(request.owner, declared));
    return payload;
  });
}

/** Forms are streamed. Everything else that has a parser is read whole. */
function isHeld({ headers }: FastifyRequest): boolean {
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
