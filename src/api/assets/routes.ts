import multipart from '@fastify/multipart';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type CreateAssetDeps, createAssetRoute } from './create-asset.ts';
import { deleteAssetRoute } from './delete-asset.ts';
import { listAssetsRoute } from './list-assets.ts';
import type { MultipartDeps } from './multipart/deps.ts';
import { multipartRoutes } from './multipart/routes.ts';
import { retrieveAssetRoute } from './retrieve-asset.ts';
import { userMetadataRoutes } from './user-metadata.ts';

/** Routes under `/assets`. Expects `request.owner`, the id of the authenticated key. */
export const assetRoutes: FastifyPluginAsyncZod<CreateAssetDeps & { uploads: MultipartDeps }> = async (
  app,
  { assets, idempotency, uploads },
) => {
  await app.register(multipart);
  await app.register(createAssetRoute, { assets, idempotency });
  await app.register(listAssetsRoute, { assets, ...uploads });
  await app.register(retrieveAssetRoute, { assets, ...uploads });
  await app.register(deleteAssetRoute, { assets });
  await app.register(userMetadataRoutes, { assets });
  await app.register(multipartRoutes, uploads);
};
