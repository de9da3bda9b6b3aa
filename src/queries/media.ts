import { ofKind } from '../errors.ts';
import type { MediaInfo } from '../media/info.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { type EmbeddedFile, embedFile } from '../tasks/embed-file.ts';
import { checkLimits } from '../tasks/limits.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { type EmbeddingRow, readResult } from '../tasks/results/results.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { QueryVectorDeps } from './query-vectors.ts';
import type { QuerySource } from './request.ts';
import { type SourceContext, useMedia } from './sources.ts';

export interface MediaDeps extends QueryVectorDeps {
  readonly maxSegmentSec: number;
  readonly quotas: Pick<Quotas, 'admitMedia'>;
  /** Workers for synchronous embedding of audio and video. */
  readonly media: WorkerPool;
}

export interface MediaAnswer extends EmbeddedFile {
  /** The request, with the file name if it is known. */
  readonly request: TaskRequest;
  readonly media: MediaInfo;
  /** Streams the vectors from the request's scratch folder. */
  rows(): AsyncIterable<readonly EmbeddingRow[]>;
}

/** Duration limits of media for synchronous embedding, in seconds. */
const QUERY_DURATION = { minSec: 0, maxSec: 600 };

/** Key of the result in the scratch folder. */
const RESULT_KEY = 'result.arrow';

/**
 * Embeds audio or video with the steps of a task, so that the vectors equal those of a task.
 * @param query.source source of `request.source`, with the bytes of base64
 * @throws {ReelvecError} for invalid media or an invalid request
 */
export async function embedMedia(
  deps: MediaDeps,
  { request, source }: { request: TaskRequest; source: QuerySource },
  context: SourceContext,
): Promise<MediaAnswer> {
  const { limits, bundle, maxSegmentSec } = deps;
  const { blobs } = context.scratch;
  const { inputType } = request;
  const maxBytes = inputType === 'audio' ? limits.maxAudioBytes : limits.maxVideoBytes;
  const wanted = { source, field: `${inputType}.media_source`, maxBytes };
  const answer = useMedia(deps, wanted, context, async ({ location, media, filename }) => {
    const { startSec, endSec } = checkLimits(media, request, limits, QUERY_DURATION);
    await deps.quotas.admitMedia({ owner: context.owner, mediaSec: endSec - startSec });
    const embedded = await embedFile({
      path: location,
      media,
      request,
      bundle,
      limits,
      duration: QUERY_DURATION,
      maxSegmentSec,
      workers: deps.media,
      blobs,
      resultKey: RESULT_KEY,
      signal: context.signal,
      onProgress: () => {},
    });
    return { ...embedded, request: { ...request, filename }, media, rows: () => readResult(blobs, RESULT_KEY) };
  });
  return answer.catch((error) => {
    throw ofKind(error, inputType);
  });
}
