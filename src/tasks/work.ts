import { assetKey, mediaKey } from '../assets/blobs.ts';
import type { DedupedMedia } from '../assets/deduped-media.ts';
import { usableAsset } from '../assets/ready.ts';
import type { AssetRepository } from '../assets/repository.ts';
import { BlobNotFound, type BlobStore } from '../blobs/store.ts';
import { removeSinceTakeover } from '../blobs/takeover.ts';
import { newId } from '../database/ids.ts';
import type { Db } from '../database/open.ts';
import type { Option } from '../domain/option.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { isReelvecError, ofKind, ReelvecError } from '../errors.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { causeText } from '../observe/cause.ts';
import type { Logger } from '../observe/logger.ts';
import type { Quotas } from '../quotas/quotas.ts';
import { parseSourceUrl } from '../sources/url.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { OnProgress } from '../workers/protocol.ts';
import { runWithRetry } from '../workers/retry.ts';
import { chunkJob, chunkRows, requireBundle, servableOptions } from './embedding.ts';
import { checkLimits, type Limits } from './limits.ts';
import { planChunks } from './plan.ts';
import type { Task, TaskRepository } from './repository.ts';
import type { NoteVector } from './results/fused.ts';
import { encodeBlock, writeResult } from './results/results.ts';
import { TaskEndWatcher } from './task-end-watcher.ts';
import { type ChunkReport, reportOf, resultWarnings } from './warnings.ts';

export interface TaskWorkDeps {
  readonly db: Db;
  readonly tasks: TaskRepository;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
  readonly assets: Pick<AssetRepository, 'get'>;
  readonly urls: UrlGuard;
  readonly limits: Limits;
  readonly quotas: Quotas;
  readonly maxSegmentSec: number;
  /** Bundle of the media workers. */
  readonly bundle: BundleInfo;
  /** Workers that embed. */
  readonly media: WorkerPool;
  /** Workers that probe. Separate, because clients wait for probes, which must not queue behind a five-minute chunk. */
  readonly probes: WorkerPool;
  readonly log: Logger;
  readonly steps: InFlightSteps;
}

/** Result of a `fetch` step whose asset is still in preparation: the step is repeated later. Not a valid blob key. */
export const ASSET_NOT_READY = 'asset not ready';

/** Result of the plan step, passed to the later steps. */
export interface Plan {
  readonly chunks: number;
  readonly options: readonly Option[];
  readonly warnings: readonly string[];
  /** Bundle that the task was created for. */
  readonly bundle: string;
}

/** Input of an `embed-chunk` run. */
export type ChunkInput = {
  readonly taskId: string;
  readonly number: number;
  readonly options: readonly Option[];
  /** The fields below are absent in runs started by an older version. */
  readonly source?: string;
  readonly bundle?: string;
  readonly owner?: string;
};

/**
 * Steps of a task's run. Each is idempotent, so that a repeat after a crash has the same result. A fault of the media
 * or the request ends the task as `failed`; any other error is thrown, and the engine retries the step later.
 */
export class TaskWork {
  readonly #deps: TaskWorkDeps;
  readonly #endWatcher: TaskEndWatcher;

  constructor(deps: TaskWorkDeps) {
    this.#deps = deps;
    this.#endWatcher = new TaskEndWatcher(deps.tasks);
  }

  /**
   * Copies the source into a blob of its own attempt: a worker that was presumed dead and resumes must not overwrite
   * the blob that others read by now, because the URL may deliver different content.
   * @returns key of the source; ASSET_NOT_READY while the asset is in preparation; null if the task has ended
   */
  async fetch(taskId: string): Promise<string | null> {
    const key = await this.#step(taskId, async (task, signal) => {
      const { request, id } = task;
      const { source } = request;
      if (source.kind === 'asset') return this.#assetSource(task, source.assetId);
      if (source.kind !== 'url') return sourceKey(id);
      const fetched = `${fetchedPrefix(id)}${newId()}`;
      await this.#deps.tasks.setStage(id, 'fetching');
      const { maxAudioBytes, maxVideoBytes } = this.#deps.limits;
      await this.#deps.urls.fetchToBlob(
        this.#deps.blobs,
        fetched,
        parseSourceUrl(source.url, { field: `${request.inputType}.media_source.url` }),
        { maxBytes: request.inputType === 'audio' ? maxAudioBytes : maxVideoBytes, wasRead: true, signal },
      );
      return fetched;
    });
    return key ?? null;
  }

  /** Probes the media and divides the range into chunks. @returns null if the task has ended */
  async plan(taskId: string, source: string): Promise<Plan | null> {
    const plan = await this.#step(taskId, async (task, signal) => {
      const { id, owner, request, bundle: promised } = task;
      const { tasks, probes, limits, bundle } = this.#deps;
      await tasks.setStage(id, 'probing');
      const media = await this.#useSource(task, source, (path) =>
        runWithRetry<'probe'>(probes, { kind: 'probe', path }, { signal }),
      );
      const range = checkLimits(media, request, limits);
      await tasks.setProbed(id, media, range);
      await this.#deps.quotas.charge({ id, owner, mediaSec: range.endSec - range.startSec });
      const { options, transcriptionSource, warnings } = servableOptions(media, request.options, bundle);
      const chunks = planChunks(range, request.segmentation);
      await tasks.setPlan(id, chunks, transcriptionSource);
      return { chunks: chunks.length, options, warnings, bundle: promised };
    });
    return plan ?? null;
  }

  /**
   * Embeds a chunk and writes its block.
   * @param onEmbedded called once the vectors are computed, before the block is written
   * @returns null if the task has ended
   */
  async embed(
    { taskId, number, options, source = sourceKey(taskId) }: ChunkInput,
    { onEmbedded }: { onEmbedded: () => void },
  ): Promise<ChunkReport | null> {
    const report = await this.#step(taskId, async (task, signal) => {
      const { tasks, blobs, media, log } = this.#deps;
      requireBundle(task.bundle, this.#deps.bundle);
      const started = performance.now();
      // From the saved plan: another version may plan differently, and both may work on a task during an upgrade.
      const range = await tasks.chunkRange(taskId, number);
      const { request } = task;
      const { maxSegmentSec } = this.#deps;
      const onProgress: OnProgress = (doneSec, segments) => {
        // The next report supersedes a lost one.
        tasks
          .setChunkDone(taskId, number, doneSec, segments)
          .catch((error) => log.warn({ err: error, taskId }, 'progress not saved'));
      };
      const chunk = await this.#useSource(task, source, (path) => {
        const { media: info, transcriptionSource } = task;
        const job = chunkJob({ path, media: info, range, request, options, transcriptionSource, maxSegmentSec });
        return runWithRetry<'embed'>(media, job, { signal, onProgress });
      });
      onEmbedded();
      const rows = chunkRows(chunk);
      const facts = { task: taskId, bundle: task.bundle, segments: chunk.segments.length };
      await blobs.write(blockKey(taskId, number), encodeBlock(rows, facts), { signal });
      await tasks.setChunkDone(taskId, number, range.endSec - range.startSec, chunk.segments);
      const seconds = (performance.now() - started) / 1000;
      log.info(
        { taskId, chunk: number, ...range, seconds, segments: chunk.segments.length, rows: rows.length },
        'chunk embedded',
      );
      return reportOf(chunk, rows);
    });
    return report ?? null;
  }

  /** Joins the blocks into the result and ends the task. */
  async finish(taskId: string, plan: Plan, reports: readonly ChunkReport[]): Promise<null> {
    await this.#step(taskId, async (task, signal) => {
      const { tasks, blobs, log } = this.#deps;
      await tasks.setStage(taskId, 'finalizing');
      const warnings = [...plan.warnings, ...resultWarnings(reports, plan.options, task.request)];
      const result = await writeResult({
        blobs,
        blocks: reports.map((_, number) => blockKey(taskId, number)),
        key: resultKey(taskId),
        request: task.request,
        notes: await this.#embedNotes(task, signal),
        range: task.range!,
        facts: { task: taskId, bundle: task.bundle },
        signal,
      });
      await tasks.setReady(taskId, warnings);
      log.info({ taskId, ...result }, 'task ready');
    });
    return null;
  }

  /** Vectors of the notes of a request, in the space of its fused vectors. */
  async #embedNotes({ request: { notes = [], options } }: Task, signal: AbortSignal): Promise<NoteVector[]> {
    const { bundle, probes } = this.#deps;
    const space = options.map((option) => bundle.spaces[option]).find((name) => name !== undefined)!;
    const vectors: NoteVector[] = [];
    for (const { text, startSec, endSec } of notes) {
      const job = {
        kind: 'query' as const,
        parts: [{ kind: 'text' as const, text }],
        spaces: [space],
        isDocument: true,
      };
      const embedded = await runWithRetry<'query'>(probes, job, { signal });
      vectors.push({ startSec, endSec, embedding: embedded.vectors[0]! });
    }
    return vectors;
  }

  /**
   * Removes the intermediate blobs of a task that has ended, and all blobs of a deleted one. Runs after every step,
   * because another process may have ended the task before this step's last write.
   * @param contentId content of the asset that the task read
   */
  async tidy(taskId: string, contentId?: string): Promise<void> {
    const { db, tasks, blobs, dedupedMedia } = this.#deps;
    const task = await tasks.get(taskId);
    if (task?.status !== 'processing') await dedupedMedia.release(contentId);
    if (!task) return removeSinceTakeover(db, blobs, `tasks/${taskId}/`);
    if (task.status === 'processing') return;
    await blobs.remove(sourceKey(taskId));
    await blobs.remove(fetchedPrefix(taskId));
    await blobs.remove(`tasks/${taskId}/chunks/`);
  }

  /**
   * Runs a step until its task ends: a deleted task frees its worker.
   * @returns undefined if the task has ended: deleted, failed before, or failed in this step
   */
  #step<T>(taskId: string, run: (task: Task, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    return this.#deps.steps.run(() => this.#runUntilEnded(taskId, run));
  }

  async #runUntilEnded<T>(
    taskId: string,
    run: (task: Task, signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const { tasks, log } = this.#deps;
    const { stopping } = this.#deps.steps;
    const task = await tasks.get(taskId);
    if (task?.status !== 'processing') {
      await this.tidy(taskId);
      return undefined;
    }
    const watch = this.#endWatcher.watch(taskId);
    try {
      return await run(task, AbortSignal.any([watch.signal, stopping]));
    } catch (thrown) {
      stopping.throwIfAborted();
      if (watch.signal.aborted) return undefined;
      const error = ofKind(thrown, task.request.inputType);
      // A server fault, such as a full disk, does not fail the task.
      if (!isReelvecError(error) || error.status >= 500) {
        log.warn({ taskId, err: error }, 'task step failed');
        throw error;
      }
      // The cause as text: pino serializes errors only under `err`, and the last output of a dead worker is in the
      // cause.
      log.info({ taskId, code: error.code, reason: error.message, cause: causeText(error) }, 'task failed');
      await tasks.setFailed(taskId, error);
      return undefined;
    } finally {
      watch[Symbol.dispose]();
      await this.tidy(taskId, task.contentId);
    }
  }

  /** Blob key of the media of a task's asset. @throws {ReelvecError} if the asset has failed or is gone */
  async #assetSource({ id, owner, request, contentId }: Task, assetId: string): Promise<string> {
    if (contentId !== undefined) return assetKey(contentId);
    const named = { field: `${request.inputType}.media_source.asset_id`, id: assetId, owner };
    const asset = await usableAsset(this.#deps.assets, named, { waitMs: 0 });
    if (asset.status === 'processing') return ASSET_NOT_READY;
    // Retains the content until the task ends.
    if (asset.contentId !== undefined && !(await this.#deps.tasks.setContent(id, asset.contentId))) {
      throw assetDeleted(assetId);
    }
    return mediaKey(asset);
  }

  /** Runs work on the source, which is an asset's blob or the task's own. */
  async #useSource<T>({ request: { source } }: Task, key: string, work: (path: string) => Promise<T>): Promise<T> {
    try {
      return await this.#deps.blobs.use(key, work);
    } catch (error) {
      if (!(error instanceof BlobNotFound)) throw error;
      if (source.kind !== 'asset') {
        const message = "The media of the task is missing from the server's store. Create the task again.";
        throw new ReelvecError('resource_not_exist', message, { cause: error });
      }
      const isThere = (await this.#deps.assets.get(source.assetId)) !== undefined;
      throw isThere ? assetLost(source.assetId, error) : assetDeleted(source.assetId, error);
    }
  }
}

function assetDeleted(id: string, cause?: unknown): ReelvecError {
  return new ReelvecError('resource_not_exist', `The asset ${id} was deleted before the task had read it.`, { cause });
}

function assetLost(id: string, cause: unknown): ReelvecError {
  return new ReelvecError(
    'resource_not_exist',
    `The media of the asset ${id} is missing from the server's store. Upload it again.`,
    { cause },
  );
}

function fetchedPrefix(taskId: string): string {
  return `tasks/${taskId}/sources/`;
}

/** Blob key of media sent with the request itself. */
export function sourceKey(taskId: string): string {
  return `tasks/${taskId}/source`;
}

export function resultKey(taskId: string): string {
  return `tasks/${taskId}/result.arrow`;
}

function blockKey(taskId: string, number: number): string {
  return `tasks/${taskId}/chunks/${String(number).padStart(4, '0')}.arrow`;
}
