import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AssetService } from '../../assets/service.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { assetDetailBody } from './represent.ts';
import { AssetDetailBody, AssetId } from './schemas.ts';

export const getAsset: FastifyPluginAsyncZod<{ assets: AssetService }> = async (app, { assets }) => {
  app.get(
    '/assets/:asset_id',
    {
      schema: {
        summary: 'Retrieve an asset',
        tags: ['assets'],
        params: AssetId,
        response: { ...commonErrors, 404: errorBody, 200: AssetDetailBody },
      },
    },
    async ({ owner, params }) => assetDetailBody(await assets.get(params.asset_id, owner)),
  );
};
