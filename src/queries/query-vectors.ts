import { type BundleInfo, DIMENSION } from '../encode/encoder.ts';
import { shorten } from '../encode/vectors.ts';
import { aboutField, ReelvecError } from '../errors.ts';
import type { InputPart } from '../media/frames.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { QueryJob, QueryVectors } from '../workers/protocol.ts';
import { retryLostWorker } from '../workers/retry.ts';
import { WorkerLost, WorkerNotStarted } from '../workers/supervised-process.ts';
import { readClip } from './clip.ts';
import type { QueryPart, VectorQuery } from './request.ts';
import { readPicture, type SourceContext, type SourceDeps } from './sources.ts';

export interface QueryVectorDeps extends SourceDeps {
  readonly bundle: BundleInfo;
  /** Workers that encode text and decoded pictures, with models that stay loaded. */
  readonly encoders: WorkerPool;
}

/** Vector of a query in one space. */
interface QueryVector {
  readonly space: string;
  /** L2 norm 1. */
  readonly embedding: Float32Array;
}

export interface QueryVectorsAnswer {
  readonly vectors: readonly QueryVector[];
  /** Tokens of the text, or its words if the encoder has no tokenizer. */
  readonly tokens: number;
  /** True if the text was shortened. */
  readonly truncated: boolean;
  /** File names of the media in order; undefined if unknown. */
  readonly filenames: readonly (string | undefined)[];
}

export interface WarmUpOptions {
  /** Number of query workers. */
  readonly workers: number;
  readonly signal: AbortSignal;
}

/**
 * Encodes a query to one vector per space.
 * @throws {ReelvecError} for an unusable source, or if the encoders fail
 */
export async function queryVectors(
  deps: QueryVectorDeps,
  query: VectorQuery,
  context: SourceContext,
): Promise<QueryVectorsAnswer> {
  const { spaces, textLimit: limit, dimension = DIMENSION } = query;
  const read = await mapAbortingOnFailure(query.parts, context.signal, (part, i, signal) =>
    readPart(deps, part, `part-${i}`, { ...context, signal }),
  );
  const job: QueryJob = { parts: read.map(({ part }) => part), spaces, ...(limit && { limit }) };
  const {
    vectors: found,
    tokens,
    truncated,
  } = await encode(deps.encoders, job, context.signal).catch((error) => {
    // Encoders receive pictures as pixels, so a refusal is about the text.
    throw aboutField(error, query.textField);
  });
  const vectors = spaces.map((space, i) => ({ space, embedding: shorten(found[i]!, dimension) }));
  const filenames = read.flatMap(({ part, filename }) => (part.kind === 'text' ? [] : [filename]));
  return { vectors, tokens, truncated: truncated || query.isShortened === true, filenames };
}

/** Fetches and decodes a part of a query. @param name unique blob key within the scratch folder */
async function readPart(
  deps: SourceDeps,
  part: QueryPart,
  name: string,
  context: SourceContext,
): Promise<{ part: InputPart; filename?: string }> {
  if (part.kind === 'text') return { part };
  if (part.kind !== 'picture') return readClip(deps, { ...part, kind: part.kind, name }, context);
  const { picture, filename } = await readPicture(deps, part, name, context).catch((error) => {
    throw aboutField(error, part.field);
  });
  return { part: { kind: 'picture', picture }, ...(filename !== undefined && { filename }) };
}

/** Loads the text models of all workers by encoding a word in each space. */
export async function warmEncoders(deps: QueryVectorDeps, { workers, signal }: WarmUpOptions): Promise<void> {
  const spaces = deps.bundle.textQuerySpaces;
  if (spaces.length === 0) return;
  const job: QueryJob = { parts: [{ kind: 'text', text: 'warm' }], spaces };
  await Promise.all(Array.from({ length: workers }, () => encode(deps.encoders, job, signal)));
}

/** Processes all items concurrently. The first failure aborts the others, and is thrown after all have ended. */
async function mapAbortingOnFailure<Item, Result>(
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
 * Runs a query job. On abort it rejects at once but lets the job finish: cancelling would kill the worker with its
 * loaded models to save a job of milliseconds.
 */
async function encode(encoders: WorkerPool, job: QueryJob, signal: AbortSignal): Promise<QueryVectors> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([retryLostWorker<'query'>(encoders, { kind: 'query', ...job }, {}), aborted]);
  } catch (error) {
    if (error instanceof WorkerLost || error instanceof WorkerNotStarted) throw encodersFailed(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function encodersFailed(cause: Error): ReelvecError {
  return new ReelvecError(
    'service_unavailable',
    'The query could not be encoded: the process that encodes ended twice. Try again; if it fails again, look into the log of the server.',
    { cause, retryAfterSec: 5 },
  );
}
