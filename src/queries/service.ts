import { ReelvecError } from '../errors.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { embedMedia, type MediaAnswer, type MediaDeps } from './media.ts';
import { type QueryVectorsAnswer, queryVectors, warmEncoders } from './query-vectors.ts';
import type { QuerySource, VectorQuery } from './request.ts';
import type { Scratch } from './scratch.ts';

export interface QueryDeps extends MediaDeps {
  readonly scratch: Scratch;
}

interface QueryContext {
  /** Id of the key that asks. */
  readonly owner: string;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Requests that are answered or waiting for a worker at the same time, at most, and when to come again, in seconds. */
const VECTOR_QUERIES = { max: 64, retryAfterSec: 1, subject: 'Text and image queries' };
const MEDIA_QUERIES = { max: 8, retryAfterSec: 10, subject: 'Audio and video queries' };

/** Everything that is embedded while somebody waits. What a request leaves on disk is gone when it is answered. */
export class QueryService {
  readonly bundle: QueryDeps['bundle'];
  readonly #deps: QueryDeps;
  readonly #vectorLimit = new ConcurrencyLimit(VECTOR_QUERIES);
  readonly #mediaLimit = new ConcurrencyLimit(MEDIA_QUERIES);
  readonly #closing = new AbortController();

  constructor(deps: QueryDeps) {
    this.#deps = deps;
    this.bundle = deps.bundle;
  }

  async vectors(query: VectorQuery, context: QueryContext): Promise<QueryVectorsAnswer> {
    using _slot = this.#vectorLimit.acquire();
    await using scratch = await this.#deps.scratch.open();
    return await queryVectors(this.#deps, query, {
      scratch,
      owner: context.owner,
      signal: this.#until(context.signal),
    });
  }

  /** The answer holds a place and a folder until it is disposed of. */
  async media(
    query: { request: TaskRequest; source: QuerySource },
    context: QueryContext,
  ): Promise<MediaAnswer & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    stack.use(this.#mediaLimit.acquire());
    const scratch = stack.use(await this.#deps.scratch.open());
    const signal = this.#until(context.signal);
    const answer = await embedMedia(this.#deps, query, { scratch, owner: context.owner, signal });
    const held = stack.move();
    return { ...answer, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }

  /** Has what encodes text load it all now, so that the first query does not wait for that. */
  async warm({ workers }: { workers: number }): Promise<void> {
    await warmEncoders(this.#deps, { workers, signal: this.#closing.signal });
  }

  /** Breaks off what is being answered: the server stops. */
  close(): void {
    const message = 'The server stops and has not answered this query. Send it again.';
    this.#closing.abort(new ReelvecError('service_unavailable', message, { retryAfterSec: 5 }));
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}
