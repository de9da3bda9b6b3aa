import { type ErrorCode, ReelvecError } from '../errors.ts';
import type { Asset, AssetRepository } from './repository.ts';

/**
 * An asset that can be used.
 * @param field path of the parameter that names it, for the errors: `video.media_source.asset_id`
 * @throws {ReelvecError} when it does not exist, is not ready, or has failed: 400 each, because what is wrong is not
 *   what the request's own path names
 */
export async function readyAsset(
  assets: Pick<AssetRepository, 'get'>,
  { field, id, owner }: { field: string; id: string; owner: string },
): Promise<Asset> {
  const details = { field, value: id };
  const asset = await assets.get(id, owner);
  if (!asset) throw noSuchAsset(id, { field });
  if (asset.status === 'failed') {
    const { code, message } = asset.error ?? { code: 'video_file_broken', message: 'it could not be processed.' };
    throw new ReelvecError(code as ErrorCode, `${field}: the asset "${id}" has failed: ${message}`, {
      status: 400,
      details,
    });
  }
  if (asset.status !== 'ready') {
    throw new ReelvecError(
      'asset_not_ready',
      `${field}: the asset "${id}" is still being processed. Ask GET /assets/${id} until its status is ready.`,
      { details },
    );
  }
  return asset;
}

/** 400, not the 404 of the code: what is missing is not what the request's own path names. */
export function noSuchAsset(id: string, { field }: { field: string }): ReelvecError {
  return new ReelvecError('resource_not_exist', `${field}: there is no asset "${id}". GET /assets lists yours.`, {
    status: 400,
    details: { field, value: id },
  });
}
