import multipart from '@fastify/multipart';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { type CreateAssetDeps, createAsset } from './createAsset.ts';
import { deleteAsset } from './deleteAsset.ts';
import { getAsset } from './getAsset.ts';
import { listAssets } from './listAssets.ts';
import type { MultipartDeps } from './multipart/deps.ts';
import { multipartRoutes } from './multipart/routes.ts';
import { userMetadataRoutes } from './userMetadata.ts';

/** Routes under `/assets`. Expects `request.owner`, the id of the authenticated key. */
export const assetRoutes: FastifyPluginAsyncZod<CreateAssetDeps & { uploads: MultipartDeps }> = async (
  app,
  { assets, idempotency, uploads },
) => {
  await app.register(multipart);
  await app.register(createAsset, { assets, idempotency });
  await app.register(listAssets, { assets, ...uploads });
  await app.register(getAsset, { assets, ...uploads });
  await app.register(deleteAsset, { assets });
  await app.register(userMetadataRoutes, { assets });
  await app.register(multipartRoutes, uploads);
};
