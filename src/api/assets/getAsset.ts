import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors, errorBody } from '../errors.ts';
import { assetDetailBody } from './represent.ts';
import { AssetDetailBody, AssetId } from './schemas.ts';
import { type ThumbnailDeps, thumbnailUrls } from './thumbnail.ts';

export const getAsset: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, deps) => {
  app.get(
    '/assets/:asset_id',
    {
      schema: {
        operationId: 'retrieveAsset',
        summary: 'Retrieve an asset',
        tags: ['assets'],
        params: AssetId,
        response: { ...commonErrors, 404: errorBody, 200: AssetDetailBody },
      },
    },
    async (request) => {
      const asset = await deps.assets.get(request.params.asset_id, request.owner);
      return assetDetailBody(asset, thumbnailUrls(request, deps));
    },
  );
};
