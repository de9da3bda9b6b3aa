import type { BlobStore } from '../blobs/store.ts';
import type { UploadStore } from '../blobs/uploads.ts';
import type { JobEngine } from '../jobs/engine.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import type { Logger } from '../observe/logger.ts';
import type { Quotas } from '../quotas/quotas.ts';
import type { UrlGuard } from '../sources/url-guard.ts';
import type { DedupedMedia } from './deduped-media.ts';
import type { UploadRepository } from './multipart/repository.ts';
import { MultipartUploads } from './multipart/service.ts';
import { type MediaInspectors, type PrepareDeps, prepareAsset } from './prepare.ts';
import type { AssetRepository } from './repository.ts';
import { AssetService, type AssetUsers } from './service.ts';
import { prepareAssetWorkflow } from './workflow.ts';

/** Maximum sizes in bytes. */
interface AssetLimits {
  readonly maxVideoBytes: number;
  readonly maxAudioBytes: number;
  readonly maxImageBytes: number;
  /** Of a direct upload. */
  readonly maxUploadBytes: number;
}

export interface AssetsOptions {
  readonly assets: AssetRepository;
  readonly uploads: UploadRepository;
  readonly blobs: BlobStore;
  readonly dedupedMedia: DedupedMedia;
  readonly uploadStore: UploadStore;
  readonly quotas: Quotas;
  readonly urls: UrlGuard;
  readonly limits: AssetLimits;
  readonly inspectors: MediaInspectors;
  /** Users of assets. */
  readonly users: AssetUsers;
  readonly engine: Pick<JobEngine, 'start'>;
  readonly steps: InFlightSteps;
  /** Maximum wait of the response to an upload for the preparation, in milliseconds; default: 10 s. */
  readonly uploadWaitMs?: number;
  readonly log: Logger;
}

export interface Assets {
  readonly service: AssetService;
  readonly multipart: MultipartUploads;
  /** Durable workflow that prepares an asset. */
  readonly workflow: ReturnType<typeof prepareAssetWorkflow>;
  /** Starts the durable run that prepares an asset. Ignores a deleted asset. */
  readonly start: (id: string) => Promise<void>;
  /** Executes the work of the durable run. */
  readonly prepare: (id: string, signal: AbortSignal) => Promise<void>;
}

/** Composes direct uploads, multipart uploads and the preparation of assets over the same repositories and limits. */
export function openAssets(options: AssetsOptions): Assets {
  const { assets, uploads, blobs, dedupedMedia, uploadStore, quotas, urls, inspectors, users, uploadWaitMs, log } =
    options;
  const { maxVideoBytes, maxAudioBytes, maxImageBytes, maxUploadBytes } = options.limits;
  const maxUrlBytes = Math.max(maxVideoBytes, maxAudioBytes);
  const preparation: PrepareDeps = {
    assets,
    blobs,
    dedupedMedia,
    urls,
    maxUrlBytes,
    maxImageBytes,
    inspectors,
    quotas,
    log,
  };
  const workflow = prepareAssetWorkflow(preparation, options.steps);
  const start = async (id: string) => {
    const asset = await assets.get(id);
    if (asset) await assets.setRun(id, await options.engine.start(workflow, { assetId: id, owner: asset.owner }, id));
  };
  const service = new AssetService({
    assets,
    blobs,
    dedupedMedia,
    urls,
    quotas,
    maxUploadBytes,
    maxImageBytes,
    maxUrlBytes,
    users,
    start,
    uploadWaitMs,
    log,
  });
  const multipart = new MultipartUploads({
    uploads,
    quotas,
    store: uploadStore,
    maxBytes: { video: maxVideoBytes, audio: maxAudioBytes, image: maxImageBytes },
    start,
    log,
  });
  return { service, multipart, workflow, start, prepare: (id, signal) => prepareAsset(preparation, id, signal) };
}
