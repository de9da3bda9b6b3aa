import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Asset, AssetRepository } from './repository.ts';

/** Delay before the second poll of an asset in preparation. Small files take 15 to 200 ms. Milliseconds. */
const FIRST_POLL_DELAY_MS = 10;
/** Maximum delay between two polls. Milliseconds. */
const MAX_POLL_DELAY_MS = 250;

type Assets = Pick<AssetRepository, 'get'>;

interface Wait {
  /** Maximum wait in milliseconds; 0 polls once. */
  readonly waitMs: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** Asset named by a request parameter, and the owner of the request. */
export interface NamedAsset {
  /** Path of the parameter, for errors: `video.media_source.asset_id`. */
  readonly field: string;
  readonly id: string;
  readonly owner: string;
}

/**
 * Waits until an asset is `ready` or `failed`. Polls the database, because another node may prepare the asset.
 * @returns the asset at the end of the wait, still `processing` on timeout; undefined if there is none
 */
export async function settledAsset(
  assets: Assets,
  { id, owner }: { id: string; owner: string },
  { waitMs, signal }: Wait,
): Promise<Asset | undefined> {
  const deadline = performance.now() + waitMs;
  for (let delayMs = FIRST_POLL_DELAY_MS; ; delayMs = Math.min(2 * delayMs, MAX_POLL_DELAY_MS)) {
    const asset = await assets.get(id, owner);
    const left = deadline - performance.now();
    if (asset?.status !== 'processing' || left <= 0 || signal?.aborted) return asset;
    // An abort leads to one last poll.
    await sleep(Math.min(delayMs, left), undefined, { signal }).catch(() => {});
  }
}

/**
 * Waits for an asset in preparation. Returns it if it is `ready`, or still `processing` after the wait.
 * @throws {ReelvecError} if the asset does not exist or has failed; with status 400, because the fault is not in the
 *   request's own path
 */
export async function usableAsset(assets: Assets, named: NamedAsset, wait: Wait): Promise<Asset> {
  const { field, id } = named;
  const asset = await settledAsset(assets, named, wait);
  wait.signal?.throwIfAborted();
  if (!asset) throw noSuchAsset(id, { field });
  if (asset.status === 'failed') {
    const { code, message } = asset.error ?? { code: 'video_file_broken', message: 'it could not be processed.' };
    throw new ReelvecError(code as ErrorCode, `${field}: the asset "${id}" has failed: ${message}`, {
      status: 400,
      details: { field, value: id },
    });
  }
  return asset;
}

/**
 * Returns an asset that is `ready`. @throws {ReelvecError} as {@link usableAsset}, and if it is not ready within the
 * wait
 */
export async function readyAsset(assets: Assets, named: NamedAsset, wait: Wait): Promise<Asset> {
  const asset = await usableAsset(assets, named, wait);
  if (asset.status === 'ready') return asset;
  const { field, id } = named;
  throw new ReelvecError(
    'asset_not_ready',
    `${field}: the asset "${id}" is still being processed. Ask GET /assets/${id} until its status is ready.`,
    { details: { field, value: id } },
  );
}

/** Error for a missing asset. Status 400 instead of the code's 404, because the request's own path exists. */
export function noSuchAsset(id: string, { field }: { field: string }): ReelvecError {
  return new ReelvecError('resource_not_exist', `${field}: there is no asset "${id}". GET /assets lists yours.`, {
    status: 400,
    details: { field, value: id },
  });
}
