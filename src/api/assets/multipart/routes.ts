import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createLinks } from './createLinks.ts';
import { createUpload } from './createUpload.ts';
import type { MultipartDeps } from './deps.ts';
import { getUpload } from './getUpload.ts';
import { listUploads } from './listUploads.ts';
import { reportChunks } from './reportChunks.ts';

/** Routes under `/assets/multipart-uploads`, except the upload of chunks, which needs no API key. */
export const multipartRoutes: FastifyPluginAsyncZod<MultipartDeps> = async (app, deps) => {
  await app.register(createUpload, deps);
  await app.register(listUploads, deps);
  await app.register(getUpload, deps);
  await app.register(reportChunks, deps);
  await app.register(createLinks, deps);
};
