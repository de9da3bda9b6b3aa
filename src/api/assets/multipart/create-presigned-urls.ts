import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { commonErrors, errorBody } from '../../errors.ts';
import type { MultipartDeps } from './deps.ts';
import { chunkLinks } from './links.ts';
import { createPresignedUrlsBody, presignedUrls, uploadParams } from './schemas.ts';

export const createPresignedUrlsRoute: FastifyPluginAsyncZod<MultipartDeps> = async (app, deps) => {
  app.post(
    '/assets/multipart-uploads/:upload_id/presigned-urls',
    {
      schema: {
        operationId: 'createPresignedUrls',
        summary: 'Get URLs for further chunks, or new ones for those that expired',
        tags: ['assets'],
        params: uploadParams,
        body: createPresignedUrlsBody,
        response: { ...commonErrors, 404: errorBody, 200: presignedUrls },
      },
    },
    async (request) => {
      const upload = await deps.multipart.get(request.params.upload_id, request.owner);
      const places = await deps.multipart.chunkTargets(upload, request.body);
      const now = new Date().toISOString();
      return {
        upload_id: upload.id,
        start_index: request.body.start,
        count: places.length,
        upload_urls: chunkLinks(request, deps, upload.id, places),
        generated_at: now,
        expires_at: places[0]?.expiresAt.toISOString() ?? now,
      };
    },
  );
};
