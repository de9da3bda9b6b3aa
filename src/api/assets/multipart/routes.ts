import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createPresignedUrlsRoute } from './create-presigned-urls.ts';
import { createUploadRoute } from './create-upload.ts';
import type { MultipartDeps } from './deps.ts';
import { listUploadsRoute } from './list-uploads.ts';
import { reportChunksRoute } from './report-chunks.ts';
import { retrieveUploadRoute } from './retrieve-upload.ts';

/** Routes under `/assets/multipart-uploads`, except the upload of chunks, which needs no API key. */
export const multipartRoutes: FastifyPluginAsyncZod<MultipartDeps> = async (app, deps) => {
  await app.register(createUploadRoute, deps);
  await app.register(listUploadsRoute, deps);
  await app.register(retrieveUploadRoute, deps);
  await app.register(reportChunksRoute, deps);
  await app.register(createPresignedUrlsRoute, deps);
};
