import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors } from '../errors.ts';
import { describePage, pageBounds } from '../page.ts';
import { assetDetailBody } from './represent.ts';
import { AssetPage, ListQuery } from './schemas.ts';
import { type ThumbnailDeps, thumbnailUrls } from './thumbnail.ts';

export const listAssets: FastifyPluginAsyncZod<ThumbnailDeps> = async (app, deps) => {
  app.get(
    '/assets',
    {
      schema: {
        operationId: 'listAssets',
        summary: 'List your assets, newest first',
        tags: ['assets'],
        querystring: ListQuery,
        response: { ...commonErrors, 200: AssetPage },
      },
    },
    async (request) => {
      const { owner, query } = request;
      const thumbnailUrl = thumbnailUrls(request, deps);
      const filter = { ids: query.asset_ids, types: query.asset_types, filename: query.filename };
      const found = await deps.assets.list(owner, filter, pageBounds(query));
      return {
        data: found.assets.map((asset) => assetDetailBody(asset, thumbnailUrl)),
        page_info: describePage(query, found.total),
      };
    },
  );
};
