import { type BundleInfo, DIMENSION } from '../encode/encoder.ts';
import { shorten } from '../encode/shorten.ts';
import { aboutField, ReelvecError } from '../errors.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';
import { retryLostWorker } from '../workers/retry.ts';
import { WorkerLost, WorkerNotStarted } from '../workers/supervised-process.ts';
import { compose } from './compose.ts';
import type { VectorQuery } from './request.ts';
import { readPicture, type SourceContext, type SourceDeps } from './sources.ts';

export interface QueryVectorDeps extends SourceDeps {
  readonly bundle: BundleInfo;
  /** Encode what comes decoded, with models that stay loaded. */
  readonly encoders: WorkerPool;
}

/** Where a query leads: one vector in one space. */
export interface QueryVector {
  readonly space: string;
  /** L2 norm 1. */
  readonly embedding: Float32Array;
}

export interface QueryVectorsAnswer {
  readonly vectors: readonly QueryVector[];
  /** Names of the pictures' files, in order, where they have one. */
  readonly filenames: readonly (string | undefined)[];
}

export interface Warming {
  /** As many as there are. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

/**
 * Turns a query into its vectors.
 * @throws {ReelvecError} for a source that cannot be used, or when the encoders are out of order
 */
export async function queryVectors(
  deps: QueryVectorDeps,
  query: VectorQuery,
  context: SourceContext,
): Promise<QueryVectorsAnswer> {
  const { text, spaces, dimension = DIMENSION } = query;
  const stills = await allOrNone(query.pictures, context.signal, (picture, i, signal) =>
    readPicture(deps, picture, `picture-${i}`, { ...context, signal }).catch((error) => {
      throw aboutField(error, picture.field);
    }),
  );
  const job: QueryJob = { text, spaces, pictures: stills.map(({ picture }) => picture) };
  const { texts, pictures } = await encode(deps.encoders, job, context.signal).catch((error) => {
    // Pictures come to the encoders as pixels, so what they refuse is the text.
    throw aboutField(error, query.textField);
  });
  const vectors = spaces.map((space, i) => {
    const parts = [...texts.slice(i, i + 1), ...pictures];
    return { space, embedding: shorten(compose(parts), dimension) };
  });
  return { vectors, filenames: stills.map(({ filename }) => filename) };
}

/** Encodes a word for nobody, in each space and in so many workers at once. */
export async function warmEncoders(deps: QueryVectorDeps, { workers, signal }: Warming): Promise<void> {
  const spaces = deps.bundle.textQuerySpaces;
  if (spaces.length === 0) return;
  const job = { text: 'warm', spaces, pictures: [] };
  await Promise.all(Array.from({ length: workers }, () => encode(deps.encoders, job, signal)));
}

/** Does something with each at the same time. The first failure ends the others, and is thrown when all have ended. */
async function allOrNone<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController();
  const any = AbortSignal.any([signal, failed.signal]);
  const attempt = (item: Item, i: number) =>
    work(item, i, any).catch((error) => {
      failed.abort(error);
      throw error;
    });
  const results = await Promise.allSettled(items.map(attempt));
  any.throwIfAborted();
  return results.map((result) => (result as PromiseFulfilledResult<Result>).value);
}

/**
 * A job of milliseconds is not worth the worker with its loaded models: when the client hangs up it is left to finish,
 * and nobody waits for it.
 */
async function encode(encoders: WorkerPool, job: QueryJob, signal: AbortSignal): Promise<QueryVectors> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([retryLostWorker<'query'>(encoders, { kind: 'query', ...job }, {}), aborted]);
  } catch (error) {
    if (error instanceof WorkerLost || error instanceof WorkerNotStarted) throw outOfOrder(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function outOfOrder(cause: Error): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    'The query could not be encoded: the process that encodes ended twice. Try again; if it fails again, look into the log of the server.',
    { cause, retryAfterSec: 5 },
  );
}
