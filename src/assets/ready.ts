import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Asset, AssetRepository } from './repository.ts';

/** Delay before the second look at an asset that is being prepared. Small files take 15 to 200 ms. Milliseconds. */
const FIRST_LOOK_MS = 10;
/** Longest delay between two looks. Milliseconds. */
const MAX_LOOK_MS = 250;

type Assets = Pick<AssetRepository, 'get'>;

interface Wait {
  /** Longest wait, in milliseconds; 0 looks once. */
  readonly waitMs: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** The parameter that names an asset, and whose request it is. */
export interface NamedAsset {
  /** Path of the parameter, for the errors: `video.media_source.asset_id`. */
  readonly field: string;
  readonly id: string;
  readonly owner: string;
}

/**
 * Waits until an asset is `ready` or `failed`. Polls the database, because another node may prepare the asset.
 * @returns the asset as it is when the wait ends, still `processing` if that took too long; undefined if there is none
 */
export async function settledAsset(
  assets: Assets,
  { id, owner }: { id: string; owner: string },
  { waitMs, signal }: Wait,
): Promise<Asset | undefined> {
  const deadline = performance.now() + waitMs;
  for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(2 * delayMs, MAX_LOOK_MS)) {
    const asset = await assets.get(id, owner);
    const left = deadline - performance.now();
    if (asset?.status !== 'processing' || left <= 0 || signal?.aborted) return asset;
    // Aborted, it is looked at once more.
    await sleep(Math.min(delayMs, left), undefined, { signal }).catch(() => {});
  }
}

/**
 * An asset that is `ready`, or may become so: waits while it is being prepared.
 * @throws {ReelvecError} when it does not exist or has failed: 400 each, because what is wrong is not what the request's
 *   own path names
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

/** An asset that is `ready`. @throws {ReelvecError} as {@link usableAsset}, and when it is not ready within the wait */
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

/** 400, not the 404 of the code: what is missing is not what the request's own path names. */
export function noSuchAsset(id: string, { field }: { field: string }): ReelvecError {
  return new ReelvecError('resource_not_exist', `${field}: there is no asset "${id}". GET /assets lists yours.`, {
    status: 400,
    details: { field, value: id },
  });
}
