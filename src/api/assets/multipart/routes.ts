import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { createLinks } from './createLinks.ts';
import { createUpload } from './createUpload.ts';
import type { MultipartDeps } from './deps.ts';
import { getUpload } from './getUpload.ts';
import { listUploads } from './listUploads.ts';
import { reportChunks } from './reportChunks.ts';

/** Everything under `/assets/multipart-uploads` but the chunks themselves, which ask for no key. */
export const multipartRoutes: FastifyPluginAsyncZod<MultipartDeps> = async (app, deps) => {
  await app.register(createUpload, deps);
  await app.register(listUploads, deps);
  await app.register(getUpload, deps);
  await app.register(reportChunks, deps);
  await app.register(createLinks, deps);
};
