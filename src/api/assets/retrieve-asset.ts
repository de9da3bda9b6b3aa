import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors, errorBody } from '../errors.ts';
import { assetDetailOf } from './represent.ts';
import { type ThumbnailDeps, thumbnailUrls } from './retrieve-thumbnail.ts';
import { assetParams, retrievedAsset } from './schemas.ts';

export const retrieveAssetRoute: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, deps) => {
  app.get(
    '/assets/:asset_id',
    {
      schema: {
        operationId: 'retrieveAsset',
        summary: 'Retrieve an asset',
        tags: ['assets'],
        params: assetParams,
        response: { ...commonErrors, 404: errorBody, 200: retrievedAsset },
      },
    },
    async (request) => {
      const asset = await deps.assets.get(request.params.asset_id, request.owner);
      return assetDetailOf(asset, thumbnailUrls(request, deps));
    },
  );
};
