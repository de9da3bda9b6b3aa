import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { AssetService } from '../../assets/service.ts';
import { commonErrors } from '../errors.ts';
import { describePage, pageBounds } from '../page.ts';
import { assetDetailBody } from './represent.ts';
import { AssetPage, ListQuery } from './schemas.ts';

export const listAssets: FastifyPluginAsyncZod<{ assets: AssetService }> = async (app, { assets }) => {
  app.get(
    '/assets',
    {
      schema: {
        summary: 'List your assets, newest first',
        tags: ['assets'],
        querystring: ListQuery,
        response: { ...commonErrors, 200: AssetPage },
      },
    },
    async ({ owner, query }) => {
      const filter = { ids: query.asset_ids, types: query.asset_types, filename: query.filename };
      const found = await assets.list(owner, filter, pageBounds(query));
      return { data: found.assets.map(assetDetailBody), page_info: describePage(query, found.total) };
    },
  );
};
