import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors } from '../errors.ts';
import { describePage, pageBounds } from '../page.ts';
import { assetDetailOf } from './represent.ts';
import { type ThumbnailDeps, thumbnailUrls } from './retrieve-thumbnail.ts';
import { assetPage, listAssetsQuery } from './schemas.ts';

export const listAssetsRoute: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, deps) => {
  app.get(
    '/assets',
    {
      schema: {
        operationId: 'listAssets',
        summary: 'List your assets, newest first',
        tags: ['assets'],
        querystring: listAssetsQuery,
        response: { ...commonErrors, 200: assetPage },
      },
    },
    async (request) => {
      const { owner, query } = request;
      const thumbnailUrl = thumbnailUrls(request, deps);
      const filter = { ids: query.asset_ids, types: query.asset_types, filename: query.filename };
      const found = await deps.assets.list(owner, filter, pageBounds(query));
      return {
        data: found.assets.map((asset) => assetDetailOf(asset, thumbnailUrl)),
        page_info: describePage(query, found.total),
      };
    },
  );
};
