import multipart from '@fastify/multipart';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { EmbedDeps } from '../embed-v2/deps.ts';
import { createEmbeddingsRoute } from './create-embeddings.ts';

/** Routes under `/embed`, of the first version of the Embed API. Expects `request.owner`. */
export const embedV1Routes: FastifyPluginAsyncZod<EmbedDeps> = async (app, deps) => {
  await app.register(multipart);
  await app.register(createEmbeddingsRoute, deps);
};
