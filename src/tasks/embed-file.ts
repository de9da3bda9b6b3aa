import type { BlobStore } from '../blobs/store.ts';
import type { TimeRange } from '../domain/time-range.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import type { MediaInfo } from '../media/info.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { runWithRetry } from '../workers/retry.ts';
import { bundleId, chunkJob, chunkRows, servableOptions } from './embedding.ts';
import { checkLimits, type Limits, TASK_DURATION } from './limits.ts';
import { planChunks } from './plan.ts';
import type { TranscriptionSource } from './repository.ts';
import type { TaskRequest } from './request.ts';
import { encodeBlock, writeResult } from './results/results.ts';
import { reportOf, resultWarnings } from './warnings.ts';

export interface EmbedFileOptions {
  readonly path: string;
  readonly media: MediaInfo;
  readonly request: TaskRequest;
  readonly bundle: BundleInfo;
  readonly limits: Limits;
  /** Allowed duration of the media; default: that of a task. */
  readonly duration?: typeof TASK_DURATION;
  readonly maxSegmentSec: number;
  readonly workers: WorkerPool;
  /** Store for blocks and the result. */
  readonly blobs: BlobStore;
  /** Blob key of the result. */
  readonly resultKey: string;
  readonly signal?: AbortSignal;
  readonly onProgress: (fraction: number, doneSec: number) => void;
}

export interface EmbeddedFile {
  /** Processed range. */
  readonly range: TimeRange;
  readonly transcriptionSource: TranscriptionSource | undefined;
  readonly warnings: readonly string[];
}

/**
 * Embeds a local file without a task, with the same plan, chunks and join as the server: the vectors are identical.
 * @throws {ReelvecError} for invalid media or an invalid request
 */
export async function embedFile(options: EmbedFileOptions): Promise<EmbeddedFile> {
  const { path, media, request, bundle, workers, blobs } = options;
  const range = checkLimits(media, request, options.limits, options.duration ?? TASK_DURATION);
  const servable = servableOptions(media, request.options, bundle);
  const chunks = planChunks(range, request.segmentation);
  const facts = { task: 'local', bundle: bundleId(bundle) };
  const done = chunks.map(() => 0);
  const reports = await Promise.all(
    chunks.map(async (chunk, number) => {
      const job = chunkJob({
        path,
        media,
        range: chunk,
        request,
        options: servable.options,
        transcriptionSource: servable.transcriptionSource,
        maxSegmentSec: options.maxSegmentSec,
      });
      const embedded = await runWithRetry<'embed'>(workers, job, {
        signal: options.signal,
        onProgress: (doneSec) => {
          done[number] = doneSec;
          const doneAllSec = done.reduce((sum, sec) => sum + sec, 0);
          options.onProgress(doneAllSec / (range.endSec - range.startSec), doneAllSec);
        },
      });
      const rows = chunkRows(embedded);
      await blobs.write(blockKey(number), encodeBlock(rows, { ...facts, segments: embedded.segments.length }));
      return reportOf(embedded, rows);
    }),
  );
  const blocks = chunks.map((_, number) => blockKey(number));
  await writeResult({ blobs, blocks, key: options.resultKey, request, range, facts });
  const warnings = [...servable.warnings, ...resultWarnings(reports, servable.options, request)];
  return { range, warnings, transcriptionSource: servable.transcriptionSource };
}

function blockKey(number: number): string {
  return `chunks/${number}.arrow`;
}
