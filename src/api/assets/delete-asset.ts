import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AssetService } from '../../assets/service.ts';
import { commonErrors, errorBody } from '../errors.ts';
import { assetParams, deleteAssetQuery } from './schemas.ts';

export const deleteAssetRoute: FastifyPluginAsyncZod<{ assets: AssetService }> = async (app, { assets }) => {
  app.delete(
    '/assets/:asset_id',
    {
      schema: {
        operationId: 'deleteAsset',
        summary: 'Delete an asset and its media',
        tags: ['assets'],
        params: assetParams,
        querystring: deleteAssetQuery,
        response: { ...commonErrors, 404: errorBody, 409: errorBody, 204: z.undefined() },
      },
    },
    async ({ owner, params, query }, reply) => {
      await assets.delete(params.asset_id, owner, { force: query.force === 'true' });
      return reply.code(204).send();
    },
  );
};
