import { ReelvecError } from '../errors.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { embedMedia, type MediaAnswer, type MediaDeps } from './media.ts';
import { type QueryVectorsAnswer, queryVectors, warmEncoders } from './query-vectors.ts';
import type { QuerySource, VectorQuery } from './request.ts';
import type { Scratch } from './scratch.ts';
import { Uploads } from './uploads.ts';

export interface QueryDeps extends MediaDeps {
  readonly scratch: Scratch;
}

interface QueryContext {
  /** Id of the API key. */
  readonly owner: string;
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
}

/** Limit on concurrent text and image queries, running or waiting for a worker. */
const VECTOR_QUERIES = { max: 64, retryAfterSec: 1, subject: 'Text and image queries' };
/** Limit on concurrent audio and video queries, running or waiting for a worker. */
const MEDIA_QUERIES = { max: 8, retryAfterSec: 10, subject: 'Audio and video queries' };

/** Queries of one request that are encoded at once: sources are fetched while others are encoded. */
const QUERIES_IN_PARALLEL = 4;

/** Synchronous embedding. The temporary files of a request are removed with its response. */
export class QueryService {
  readonly bundle: QueryDeps['bundle'];
  readonly limits: QueryDeps['limits'];
  readonly #deps: QueryDeps;
  readonly #vectorLimit = new ConcurrencyLimit(VECTOR_QUERIES);
  readonly #mediaLimit = new ConcurrencyLimit(MEDIA_QUERIES);
  readonly #closing = new AbortController();

  constructor(deps: QueryDeps) {
    this.#deps = deps;
    this.bundle = deps.bundle;
    this.limits = deps.limits;
  }

  /** Opens storage for the files that come with one request. */
  async openUploads(): Promise<Uploads> {
    return new Uploads(await this.#deps.scratch.open());
  }

  /** Encodes text and pictures. */
  async vectors(query: VectorQuery, context: QueryContext): Promise<QueryVectorsAnswer> {
    using _slot = this.#vectorLimit.acquire();
    return await this.#answer(query, { owner: context.owner, signal: this.#until(context.signal) });
  }

  /**
   * Encodes several queries in one concurrency slot. The first failure aborts the others.
   * @returns answers in the order of the queries
   */
  async vectorsOfMany(queries: readonly VectorQuery[], context: QueryContext): Promise<QueryVectorsAnswer[]> {
    using _slot = this.#vectorLimit.acquire();
    const failed = new AbortController();
    const signal = this.#until(AbortSignal.any([context.signal, failed.signal]));
    const answers: QueryVectorsAnswer[] = [];
    const rest = queries.entries();
    const lane = async () => {
      for (const [i, query] of rest) answers[i] = await this.#answer(query, { owner: context.owner, signal });
    };
    const lanes = Array.from({ length: QUERIES_IN_PARALLEL }, () =>
      lane().catch((error) => {
        failed.abort(error);
        throw error;
      }),
    );
    await Promise.allSettled(lanes);
    signal.throwIfAborted();
    return answers;
  }

  /** Embeds audio or video. The answer holds a concurrency slot and a scratch folder until it is disposed. */
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

  /** Loads the text models, so that the first query does not wait for them. */
  async warm({ workers }: { workers: number }): Promise<void> {
    await warmEncoders(this.#deps, { workers, signal: this.#closing.signal });
  }

  /** Aborts all running queries with 503; for shutdown. */
  close(): void {
    const message = 'The server stops and has not answered this query. Send it again.';
    this.#closing.abort(new ReelvecError('service_unavailable', message, { retryAfterSec: 5 }));
  }

  async #answer(query: VectorQuery, { owner, signal }: QueryContext): Promise<QueryVectorsAnswer> {
    await using scratch = await this.#deps.scratch.open();
    return await queryVectors(this.#deps, query, { scratch, owner, signal });
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}
